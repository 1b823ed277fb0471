-- What operators are told of, outside any tenant's connections: each trouble from its beginning until its end was told.
CREATE TABLE alerts (
  id          TEXT NOT NULL PRIMARY KEY,
  key         TEXT NOT NULL,
  tenant      TEXT,
  level       TEXT NOT NULL,
  what        TEXT NOT NULL,
  command     TEXT NOT NULL,
  state       TEXT NOT NULL,
  begun_at    BIGINT NOT NULL,
  told_at     BIGINT,
  passed_at   BIGINT,
  ended_at    BIGINT,
  lease_until BIGINT
);
-- A trouble is open once.
CREATE UNIQUE INDEX alerts_open ON alerts (key) WHERE ended_at IS NULL;
CREATE INDEX alerts_told ON alerts (told_at) WHERE told_at IS NOT NULL;
CREATE INDEX alerts_ended ON alerts (ended_at) WHERE ended_at IS NOT NULL;
