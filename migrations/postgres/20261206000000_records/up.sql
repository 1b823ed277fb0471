-- Records: companies, assets, locations and groups, more fields of contacts, and fields of a tenant's own.

-- What is kept of each kind: `fields` holds what has no column, as JSON; `search` what a search compares.
CREATE TABLE companies (
  tenant_id      TEXT NOT NULL REFERENCES tenants (id),
  id             TEXT NOT NULL,
  name           TEXT NOT NULL,
  account_number TEXT,
  fields         TEXT NOT NULL,
  search         TEXT NOT NULL,
  created_at     BIGINT NOT NULL,
  updated_at     BIGINT NOT NULL,
  deleted_at     BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX companies_by_number ON companies (tenant_id, account_number)
  WHERE account_number IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE assets (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id),
  id          TEXT NOT NULL,
  name        TEXT NOT NULL,
  serial      TEXT,
  service_due TEXT,
  company_id  TEXT,
  contact_id  TEXT,
  fields      TEXT NOT NULL,
  search      TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL,
  deleted_at  BIGINT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE UNIQUE INDEX assets_by_serial ON assets (tenant_id, serial) WHERE serial IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX assets_by_company ON assets (tenant_id, company_id) WHERE company_id IS NOT NULL;
CREATE INDEX assets_by_contact ON assets (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX assets_due ON assets (tenant_id, service_due) WHERE service_due IS NOT NULL;

CREATE TABLE locations (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  fields     TEXT NOT NULL,
  search     TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  deleted_at BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX locations_by_name ON locations (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE contact_groups (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  condition  TEXT,
  fields     TEXT NOT NULL,
  search     TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  deleted_at BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX contact_groups_by_name ON contact_groups (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE group_members (
  tenant_id  TEXT NOT NULL,
  group_id   TEXT NOT NULL,
  contact_id TEXT NOT NULL,
  added_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, group_id, contact_id),
  FOREIGN KEY (tenant_id, group_id) REFERENCES contact_groups (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX group_members_by_contact ON group_members (tenant_id, contact_id);

ALTER TABLE contacts ADD COLUMN company_id TEXT;
ALTER TABLE contacts ADD COLUMN fields TEXT NOT NULL DEFAULT '{}';
ALTER TABLE contacts ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN deleted_at BIGINT;
UPDATE contacts SET search = ' ' || lower(name) || ' ';
ALTER TABLE contacts ADD FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id);
CREATE INDEX contacts_by_company ON contacts (tenant_id, company_id) WHERE company_id IS NOT NULL;

CREATE TABLE custom_fields (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  noun       TEXT NOT NULL,
  name       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  help       TEXT NOT NULL,
  choices    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, noun, name)
);
