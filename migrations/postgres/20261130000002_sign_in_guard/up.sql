-- Tries to sign in that no user answers for, or that are too many to be written down: a try costs the same whether
-- its address is known or not.
CREATE TABLE uncounted_sign_ins (
  id       INTEGER PRIMARY KEY,
  tries    BIGINT NOT NULL,
  tried_at BIGINT NOT NULL
);
INSERT INTO uncounted_sign_ins (id, tries, tried_at) VALUES (1, 0, 0);
