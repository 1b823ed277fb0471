-- Polling: contacts and the messages to and from them, cursors and what they have seen, timers.

CREATE TABLE contacts (
  tenant_id  TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
  id         TEXT COLLATE "C" NOT NULL,
  name       TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- An address belongs to one contact; the key is what matching reads.
CREATE TABLE contact_addresses (
  tenant_id  TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  value      TEXT COLLATE "C" NOT NULL,
  contact_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, kind, value),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX contact_addresses_by_contact ON contact_addresses (tenant_id, contact_id);

ALTER TABLE leads
  ADD COLUMN contact_id TEXT COLLATE "C",
  ADD COLUMN reply_to TEXT,
  ADD COLUMN original TEXT,
  ADD FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id);
CREATE INDEX leads_by_contact ON leads (tenant_id, contact_id, id);

CREATE TABLE messages (
  tenant_id     TEXT COLLATE "C" NOT NULL,
  id            TEXT COLLATE "C" NOT NULL,
  connection_id TEXT COLLATE "C" NOT NULL,
  author        TEXT NOT NULL,
  contact_id    TEXT COLLATE "C",
  lead_id       TEXT COLLATE "C",
  effect_id     TEXT COLLATE "C",
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
  tenant_id     TEXT COLLATE "C" NOT NULL,
  id            TEXT COLLATE "C" NOT NULL,
  connection_id TEXT COLLATE "C" NOT NULL,
  kind          TEXT COLLATE "C" NOT NULL,
  target        TEXT COLLATE "C" NOT NULL,
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
  tenant_id TEXT COLLATE "C" NOT NULL,
  cursor_id TEXT COLLATE "C" NOT NULL,
  key       TEXT COLLATE "C" NOT NULL,
  content   TEXT NOT NULL,
  seen_at   BIGINT NOT NULL,
  gone_at   BIGINT,
  PRIMARY KEY (tenant_id, cursor_id, key),
  FOREIGN KEY (tenant_id, cursor_id) REFERENCES cursors (tenant_id, id)
);

CREATE TABLE timers (
  tenant_id TEXT COLLATE "C" NOT NULL,
  id        TEXT COLLATE "C" NOT NULL,
  cursor_id TEXT COLLATE "C" NOT NULL,
  series    TEXT COLLATE "C" NOT NULL,
  entry_id  TEXT COLLATE "C" NOT NULL,
  moment    TEXT COLLATE "C" NOT NULL,
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
