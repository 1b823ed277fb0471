-- The audit trail is chained with a key. Entries of earlier versions have form 0: they are chained anew, with the key,
-- by the first entry that is appended (src/store/audit/adoption.rs).
ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 0;
-- Whose values an entry holds: they are sealed with a key of that person, which goes when the person is forgotten.
ALTER TABLE audit ADD COLUMN person TEXT;
CREATE INDEX audit_by_person ON audit (chain, person) WHERE person IS NOT NULL;

-- How far each chain goes, so that a tail that is cut off is missed.
CREATE TABLE audit_heads (
  chain      TEXT NOT NULL PRIMARY KEY,
  entries    BIGINT NOT NULL,
  hash       TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  mac        TEXT NOT NULL
);

CREATE TABLE audit_people (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  person    TEXT NOT NULL,
  sealed    BLOB NOT NULL,
  PRIMARY KEY (tenant_id, person)
);
