-- That a person was forgotten: when, by whom, and how much of which kind went. It holds nothing of the person.
CREATE TABLE erasures (
  tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  id        TEXT COLLATE "C" NOT NULL,
  subject   TEXT NOT NULL,
  at        BIGINT NOT NULL,
  actor     TEXT NOT NULL,
  erased    TEXT NOT NULL,
  outside   TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
