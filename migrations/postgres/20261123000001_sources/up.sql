-- Where leads come from beside the form and the mailbox: sources that call us, notices of leads that are
-- still to be fetched, and the keys of programs that tell us of events.

CREATE TABLE sources (
  tenant_id        TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  id               TEXT COLLATE "C" NOT NULL,
  name             TEXT COLLATE "C" NOT NULL,
  kind             TEXT COLLATE "C" NOT NULL,
  settings         TEXT NOT NULL,
  sealed           BYTEA,
  state            TEXT COLLATE "C" NOT NULL,
  last_received_at BIGINT,
  last_error       TEXT,
  created_at       BIGINT NOT NULL,
  updated_at       BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX sources_by_name ON sources (tenant_id, name);

CREATE TABLE notices (
  tenant_id   TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  id          TEXT COLLATE "C" NOT NULL,
  source_id   TEXT COLLATE "C" NOT NULL,
  external_id TEXT COLLATE "C" NOT NULL,
  payload     TEXT NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  reason      TEXT,
  attempt     INTEGER NOT NULL,
  epoch       BIGINT NOT NULL,
  due_at      BIGINT,
  received_at BIGINT NOT NULL,
  settled_at  BIGINT,
  lead_id     TEXT COLLATE "C",
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES sources (tenant_id, id)
);
CREATE UNIQUE INDEX notices_by_external_id ON notices (tenant_id, source_id, external_id);
CREATE INDEX notices_due ON notices (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX notices_due_by_tenant ON notices (tenant_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX notices_settled ON notices (settled_at, tenant_id, id) WHERE settled_at IS NOT NULL;

CREATE TABLE api_keys (
  tenant_id    TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  id           TEXT COLLATE "C" NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  hash         TEXT COLLATE "C" NOT NULL,
  created_at   BIGINT NOT NULL,
  last_used_at BIGINT,
  expires_at   BIGINT,
  revoked_at   BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX api_keys_by_hash ON api_keys (tenant_id, hash);
