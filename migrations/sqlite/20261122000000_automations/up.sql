-- Automations that can be trusted: jobs, tasks, appointments, consent and suppressions, schedules, and
-- what was decided about every message.

-- Contacts, runs and events outlive each other under retention and erasure, so a run and an event
-- name their contact without a reference.
ALTER TABLE tenants ADD COLUMN mode TEXT NOT NULL DEFAULT 'live';
ALTER TABLE tenants ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE contacts ADD COLUMN timezone TEXT;
ALTER TABLE leads ADD COLUMN responded_at BIGINT;
ALTER TABLE events ADD COLUMN contact_id TEXT;
ALTER TABLE runs ADD COLUMN contact_id TEXT;
ALTER TABLE messages ADD COLUMN class TEXT;
ALTER TABLE messages ADD COLUMN run_id TEXT;
CREATE INDEX events_pending_by_contact ON events (tenant_id, contact_id) WHERE due_at IS NOT NULL;
CREATE INDEX events_by_kind ON events (tenant_id, kind, id);
CREATE INDEX effects_settled ON effects (tenant_id, settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX runs_open_by_contact ON runs (tenant_id, contact_id) WHERE finished_at IS NULL;
CREATE INDEX runs_by_contact ON runs (tenant_id, contact_id, id);
CREATE INDEX runs_open_by_subject ON runs (tenant_id, subject_id) WHERE finished_at IS NULL;
CREATE INDEX runs_by_automation ON runs (tenant_id, automation_id, contact_id, id);

CREATE TABLE jobs (
  tenant_id    TEXT NOT NULL REFERENCES tenants (id),
  id           TEXT NOT NULL,
  title        TEXT NOT NULL,
  state        TEXT NOT NULL,
  stage        TEXT,
  contact_id   TEXT,
  lead_id      TEXT,
  address      TEXT,
  timezone     TEXT,
  amount_cents BIGINT,
  source_key   TEXT NOT NULL,
  scheduled_at BIGINT,
  completed_at BIGINT,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, source_key),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
CREATE INDEX jobs_by_contact ON jobs (tenant_id, contact_id, id);
CREATE INDEX jobs_by_state ON jobs (tenant_id, state, id);
CREATE INDEX jobs_scheduled ON jobs (tenant_id, scheduled_at) WHERE scheduled_at IS NOT NULL;

CREATE TABLE tasks (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  id         TEXT NOT NULL,
  title      TEXT NOT NULL,
  detail     TEXT NOT NULL,
  state      TEXT NOT NULL,
  contact_id TEXT,
  lead_id    TEXT,
  run_id     TEXT,
  due_at     BIGINT,
  created_at BIGINT NOT NULL,
  done_at    BIGINT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
CREATE INDEX tasks_by_state ON tasks (tenant_id, state, id);

-- Entries of connected calendars in which a customer takes part, as they stand.
CREATE TABLE appointments (
  tenant_id     TEXT NOT NULL,
  id            TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  calendar      TEXT NOT NULL,
  entry_id      TEXT NOT NULL,
  contact_id    TEXT,
  title         TEXT NOT NULL,
  location      TEXT NOT NULL,
  state         TEXT NOT NULL,
  starts_at     BIGINT NOT NULL,
  ends_at       BIGINT NOT NULL,
  all_day       BOOLEAN NOT NULL,
  version       INTEGER NOT NULL,
  created_at    BIGINT NOT NULL,
  updated_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, connection_id, calendar, entry_id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX appointments_by_start ON appointments (tenant_id, starts_at);
CREATE INDEX appointments_by_contact ON appointments (tenant_id, contact_id, id);

-- What a person agreed to or took back, in order; the last word counts.
CREATE TABLE consents (
  tenant_id  TEXT NOT NULL,
  id         TEXT NOT NULL,
  contact_id TEXT NOT NULL,
  channel    TEXT NOT NULL,
  given      BOOLEAN NOT NULL,
  wording    TEXT NOT NULL,
  source     TEXT NOT NULL,
  actor      TEXT NOT NULL,
  at         BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX consents_by_contact ON consents (tenant_id, contact_id, id);

-- Addresses that are not written to, as keyed hashes: they outlive the contact.
CREATE TABLE suppressions (
  tenant_id  TEXT NOT NULL REFERENCES tenants (id),
  hash       TEXT NOT NULL,
  scope      TEXT NOT NULL,
  reason     TEXT NOT NULL,
  detail     TEXT NOT NULL,
  actor      TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, hash, scope)
);

CREATE TABLE schedules (
  tenant_id     TEXT NOT NULL,
  id            TEXT NOT NULL,
  automation_id TEXT NOT NULL,
  number        INTEGER NOT NULL,
  cadence       TEXT NOT NULL,
  timezone      TEXT NOT NULL,
  misfire       TEXT NOT NULL,
  planned_at    BIGINT NOT NULL,
  due_at        BIGINT,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, automation_id, number),
  FOREIGN KEY (tenant_id, automation_id) REFERENCES automations (tenant_id, id)
);
CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX schedules_due_by_tenant ON schedules (tenant_id, due_at) WHERE due_at IS NOT NULL;

-- What the gate before every message decided, and when.
CREATE TABLE verdicts (
  tenant_id TEXT NOT NULL,
  effect_id TEXT NOT NULL,
  number    BIGINT NOT NULL,
  gate      TEXT NOT NULL,
  decision  TEXT NOT NULL,
  reason    TEXT NOT NULL,
  at        BIGINT NOT NULL,
  until     BIGINT,
  PRIMARY KEY (tenant_id, effect_id, number),
  FOREIGN KEY (tenant_id, effect_id) REFERENCES effects (tenant_id, id)
);
