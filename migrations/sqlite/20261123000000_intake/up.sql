-- What the public sends in: the form of a tenant, what speaks for and against a lead, photos.

ALTER TABLE leads ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE leads ADD COLUMN cost_cents BIGINT;
ALTER TABLE leads ADD COLUMN score INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leads ADD COLUMN reasons TEXT NOT NULL DEFAULT '[]';
ALTER TABLE leads ADD COLUMN body_hash TEXT;
ALTER TABLE leads ADD COLUMN consents TEXT NOT NULL DEFAULT '[]';
ALTER TABLE leads ADD COLUMN masked_phone BOOLEAN NOT NULL DEFAULT FALSE;
-- With what a word of consent came, and the address that it is for.
ALTER TABLE consents ADD COLUMN lead_id TEXT;
ALTER TABLE consents ADD COLUMN address TEXT;
CREATE INDEX leads_by_body ON leads (tenant_id, body_hash, received_at) WHERE body_hash IS NOT NULL;
CREATE INDEX leads_received ON leads (tenant_id, received_at);

CREATE TABLE forms (
  tenant_id        TEXT NOT NULL PRIMARY KEY REFERENCES tenants (id),
  settings         TEXT NOT NULL,
  logo             BLOB,
  turnstile_sealed BLOB,
  updated_at       BIGINT NOT NULL
);

-- Every wording of consent that people have been shown, so that what they agreed to can be proved.
CREATE TABLE wordings (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  channel    TEXT NOT NULL,
  version    INTEGER NOT NULL,
  wording    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, channel, version)
);

CREATE TABLE photos (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  id         TEXT NOT NULL,
  lead_id    TEXT NOT NULL,
  width      INTEGER NOT NULL,
  height     INTEGER NOT NULL,
  content    BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
CREATE INDEX photos_by_lead ON photos (tenant_id, lead_id, id);
CREATE INDEX photos_by_age ON photos (created_at);
