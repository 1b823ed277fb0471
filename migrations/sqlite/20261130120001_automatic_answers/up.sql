-- Automatic answers to addresses that anyone may have typed in: how many of them one address gets is
-- bounded over all tenants, so there is no tenant here, and the address is a keyed hash.
CREATE TABLE automatic_answers (
    effect_id TEXT NOT NULL PRIMARY KEY,
    run_id    TEXT NOT NULL,
    hash      TEXT NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX automatic_answers_by_hash ON automatic_answers (hash, at);
CREATE INDEX automatic_answers_by_age ON automatic_answers (at);
