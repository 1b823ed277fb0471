-- The link by which a user sets their password: one at a time for each. A row stays when its link has gone, since it also counts how often one was asked for.
CREATE TABLE password_links (
  user_id      TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
  token_hash   TEXT UNIQUE,
  purpose      TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  asked        INTEGER NOT NULL,
  asked_at     INTEGER,
  locked_until INTEGER
);
