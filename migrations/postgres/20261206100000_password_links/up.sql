-- The link by which a user sets their password: one at a time for each. A row stays when its link has gone, since it also counts how often one was asked for.
CREATE TABLE password_links (
  user_id      TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id),
  token_hash   TEXT COLLATE "C" UNIQUE,
  purpose      TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  asked        INTEGER NOT NULL,
  asked_at     BIGINT,
  locked_until BIGINT
);
