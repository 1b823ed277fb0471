-- Polling: contacts and the messages to and from them, cursors and what they have seen, timers.

CREATE TABLE contacts (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- An address belongs to one contact; the key is what matching reads.
CREATE TABLE contact_addresses (
  tenant_id  TEXT NOT NULL,
  kind       TEXT NOT NULL,
  value      TEXT NOT NULL,
  contact_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, kind, value),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX contact_addresses_by_contact ON contact_addresses (tenant_id, contact_id);

-- SQLite adds a column but no composite reference to a table that is there, so it is made anew.
CREATE TABLE leads_with_contact (
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
  contact_id     TEXT,
  reply_to       TEXT,
  original       TEXT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
INSERT INTO leads_with_contact
  SELECT tenant_id, id, name, email, phone, service, message, address, postcode, preferred_time, source,
         attribution, is_test, state, received_at, answered_at, NULL, NULL, NULL FROM leads;
DROP TABLE leads;
ALTER TABLE leads_with_contact RENAME TO leads;
CREATE INDEX leads_by_contact ON leads (tenant_id, contact_id, id);

CREATE TABLE messages (
  tenant_id     TEXT NOT NULL,
  id            TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  author        TEXT NOT NULL,
  contact_id    TEXT,
  lead_id       TEXT,
  effect_id     TEXT,
  provider_id   TEXT,
  thread_id     TEXT,
  rfc_id        TEXT,
  sender        TEXT NOT NULL,
  recipient     TEXT NOT NULL,
  subject       TEXT NOT NULL,
  body          TEXT NOT NULL,
  sent_at       BIGINT NOT NULL,
  stored_at     BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, connection_id, provider_id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX messages_by_thread ON messages (tenant_id, connection_id, thread_id);
CREATE INDEX messages_by_rfc_id ON messages (tenant_id, rfc_id);
CREATE INDEX messages_by_contact ON messages (tenant_id, contact_id, id);
CREATE INDEX messages_by_lead ON messages (tenant_id, lead_id, id);

CREATE TABLE cursors (
  tenant_id     TEXT NOT NULL,
  id            TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  kind          TEXT NOT NULL,
  target        TEXT NOT NULL,
  wish          TEXT NOT NULL,
  position      TEXT,
  interval_ms   BIGINT NOT NULL,
  due_at        BIGINT,
  lease_until   BIGINT,
  epoch         BIGINT NOT NULL,
  attempt       INTEGER NOT NULL,
  polled_at     BIGINT,
  changed_at    BIGINT,
  error         TEXT,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, connection_id, kind, target),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id)
);
CREATE INDEX cursors_due ON cursors (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX cursors_due_by_tenant ON cursors (tenant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX cursors_leased ON cursors (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE items (
  tenant_id TEXT NOT NULL,
  cursor_id TEXT NOT NULL,
  key       TEXT NOT NULL,
  content   TEXT NOT NULL,
  seen_at   BIGINT NOT NULL,
  gone_at   BIGINT,
  PRIMARY KEY (tenant_id, cursor_id, key),
  FOREIGN KEY (tenant_id, cursor_id) REFERENCES cursors (tenant_id, id)
);

CREATE TABLE timers (
  tenant_id TEXT NOT NULL,
  id        TEXT NOT NULL,
  cursor_id TEXT NOT NULL,
  series    TEXT NOT NULL,
  entry_id  TEXT NOT NULL,
  moment    TEXT NOT NULL,
  content   TEXT NOT NULL,
  fires_at  BIGINT NOT NULL,
  due_at    BIGINT,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, cursor_id, entry_id, moment),
  FOREIGN KEY (tenant_id, cursor_id) REFERENCES cursors (tenant_id, id)
);
CREATE INDEX timers_due ON timers (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX timers_due_by_tenant ON timers (tenant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX timers_by_series ON timers (tenant_id, cursor_id, series);

CREATE INDEX events_settled ON events (received_at) WHERE due_at IS NULL;
