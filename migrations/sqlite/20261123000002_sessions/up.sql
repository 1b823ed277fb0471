-- Who is signed in, and how each user may: failures, two-step sign-in, the links that still hold.

ALTER TABLE tenants ADD COLUMN links_epoch INTEGER NOT NULL DEFAULT 0;

-- How a user stands with signing in. A row is made by the first try, or the first enrolment.
CREATE TABLE sign_ins (
  user_id      TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
  failures     INTEGER NOT NULL,
  failed_at    BIGINT,
  locked_until BIGINT,
  totp_sealed  BLOB,
  totp_pending BLOB,
  totp_step    BIGINT NOT NULL,
  recovery     TEXT NOT NULL,
  last_at      BIGINT
);

CREATE TABLE sessions (
  id         TEXT NOT NULL PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  user_id    TEXT REFERENCES users (id),
  tenant_id  TEXT REFERENCES tenants (id),
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  address    TEXT NOT NULL,
  agent      TEXT NOT NULL,
  revoked_at BIGINT
);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_tenant ON sessions (tenant_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- What befell one user, for `nexora user show`.
CREATE INDEX audit_by_subject ON audit (chain, subject, number);
