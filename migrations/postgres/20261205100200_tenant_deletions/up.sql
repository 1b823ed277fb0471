-- Tenants that are to be deleted, and from when on their rows go. Until then it can be taken back.
CREATE TABLE tenant_deletions (
  tenant_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES tenants (id),
  state_before TEXT NOT NULL,
  purge_at     BIGINT NOT NULL,
  actor        TEXT NOT NULL
);
