DROP INDEX events_settled;
DROP TABLE timers;
DROP TABLE items;
DROP TABLE cursors;
DROP TABLE messages;
CREATE TABLE leads_without_contact (
  tenant_id      TEXT NOT NULL REFERENCES tenants (id),
  id             TEXT NOT NULL,
  name           TEXT NOT NULL,
  email          TEXT,
  phone          TEXT,
  service        TEXT,
  message        TEXT,
  address        TEXT,
  postcode       TEXT,
  preferred_time TEXT,
  source         TEXT NOT NULL,
  attribution    TEXT NOT NULL,
  is_test        BOOLEAN NOT NULL,
  state          TEXT NOT NULL,
  received_at    BIGINT NOT NULL,
  answered_at    BIGINT,
  PRIMARY KEY (tenant_id, id)
);
INSERT INTO leads_without_contact
  SELECT tenant_id, id, name, email, phone, service, message, address, postcode, preferred_time, source,
         attribution, is_test, state, received_at, answered_at FROM leads;
DROP TABLE leads;
ALTER TABLE leads_without_contact RENAME TO leads;
DROP TABLE contact_addresses;
DROP TABLE contacts;
