-- What the daemon found when it looked at what is too much to look at each time that somebody asks.
CREATE TABLE findings (
  key       TEXT NOT NULL PRIMARY KEY,
  tenant_id TEXT REFERENCES tenants (id),
  level     TEXT NOT NULL,
  what      TEXT NOT NULL,
  command   TEXT NOT NULL,
  affected  BIGINT NOT NULL,
  since     BIGINT NOT NULL,
  looked_at BIGINT NOT NULL
);
CREATE INDEX findings_by_tenant ON findings (tenant_id);
