-- The foundation: tenants, users, connections, leads, events, automations, runs, effects, audit.
--
-- Every row of a tenant carries tenant_id first in its key, and references between such rows are
-- (tenant_id, id) pairs, so that the database itself refuses a reference across tenants.
-- Times are UTC milliseconds. Ids sort by the moment they were made, so a list is read by its key.
-- `due_at` is set exactly while a stage has something to do: its partial indexes hold due work only.

CREATE TABLE tenants (
  id          TEXT NOT NULL PRIMARY KEY,
  slug        TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  timezone    TEXT NOT NULL,
  owner_email TEXT NOT NULL,
  phone       TEXT,
  country     TEXT NOT NULL,
  state       TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL
);

CREATE TABLE users (
  id            TEXT NOT NULL PRIMARY KEY,
  email         TEXT NOT NULL,
  email_key     TEXT NOT NULL UNIQUE,
  name          TEXT NOT NULL,
  operator      BOOLEAN NOT NULL,
  password_hash TEXT,
  state         TEXT NOT NULL,
  created_at    BIGINT NOT NULL,
  updated_at    BIGINT NOT NULL
);

CREATE TABLE memberships (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  user_id   TEXT NOT NULL REFERENCES users (id),
  role      TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE connections (
  tenant_id     TEXT NOT NULL REFERENCES tenants (id),
  id            TEXT NOT NULL,
  kind          TEXT NOT NULL,
  name          TEXT NOT NULL,
  settings      TEXT NOT NULL,
  sealed        BLOB,
  state         TEXT NOT NULL,
  last_ok_at    BIGINT,
  last_error    TEXT,
  last_error_at BIGINT,
  created_at    BIGINT NOT NULL,
  updated_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);

CREATE TABLE leads (
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

CREATE TABLE events (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id),
  id          TEXT NOT NULL,
  kind        TEXT NOT NULL,
  dedupe_key  TEXT NOT NULL,
  payload     TEXT NOT NULL,
  state       TEXT NOT NULL,
  reason      TEXT,
  received_at BIGINT NOT NULL,
  due_at      BIGINT,
  attempt     INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, dedupe_key)
);
CREATE INDEX events_due ON events (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX events_due_by_tenant ON events (tenant_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE automations (
  tenant_id    TEXT NOT NULL REFERENCES tenants (id),
  id           TEXT NOT NULL,
  name         TEXT NOT NULL,
  state        TEXT NOT NULL,
  live_version INTEGER NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);

CREATE TABLE automation_versions (
  tenant_id     TEXT NOT NULL,
  automation_id TEXT NOT NULL,
  number        INTEGER NOT NULL,
  definition    TEXT NOT NULL,
  settings      TEXT NOT NULL,
  templates     TEXT NOT NULL,
  created_at    BIGINT NOT NULL,
  created_by    TEXT NOT NULL,
  PRIMARY KEY (tenant_id, automation_id, number),
  FOREIGN KEY (tenant_id, automation_id) REFERENCES automations (tenant_id, id)
);

CREATE TABLE runs (
  tenant_id     TEXT NOT NULL,
  id            TEXT NOT NULL,
  automation_id TEXT NOT NULL,
  version       INTEGER NOT NULL,
  event_id      TEXT NOT NULL,
  subject_id    TEXT NOT NULL,
  state         TEXT NOT NULL,
  position      INTEGER NOT NULL,
  reason        TEXT,
  due_at        BIGINT,
  epoch         BIGINT NOT NULL,
  attempt       INTEGER NOT NULL,
  started_at    BIGINT NOT NULL,
  finished_at   BIGINT,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, automation_id, event_id),
  FOREIGN KEY (tenant_id, automation_id, version)
    REFERENCES automation_versions (tenant_id, automation_id, number),
  FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id)
);
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_due_by_tenant ON runs (tenant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_by_subject ON runs (tenant_id, subject_id);
CREATE INDEX runs_by_event ON runs (tenant_id, event_id);
CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE steps (
  tenant_id   TEXT NOT NULL,
  run_id      TEXT NOT NULL,
  position    INTEGER NOT NULL,
  name        TEXT NOT NULL,
  action      TEXT NOT NULL,
  state       TEXT NOT NULL,
  reason      TEXT,
  effect_id   TEXT,
  output      TEXT NOT NULL,
  started_at  BIGINT NOT NULL,
  finished_at BIGINT,
  PRIMARY KEY (tenant_id, run_id, position),
  FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id)
);

CREATE TABLE effects (
  tenant_id     TEXT NOT NULL,
  id            TEXT NOT NULL,
  run_id        TEXT NOT NULL,
  step          TEXT NOT NULL,
  kind          TEXT NOT NULL,
  connection_id TEXT NOT NULL,
  request       TEXT NOT NULL,
  evidence      TEXT,
  provider_id   TEXT,
  state         TEXT NOT NULL,
  reason        TEXT,
  attempt       INTEGER NOT NULL,
  attempt_limit INTEGER,
  epoch         BIGINT NOT NULL,
  due_at        BIGINT,
  lease_until   BIGINT,
  created_at    BIGINT NOT NULL,
  settled_at    BIGINT,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, run_id, step),
  FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id),
  FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id)
);
CREATE INDEX effects_due ON effects (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX effects_due_by_tenant ON effects (tenant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX effects_leased ON effects (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX effects_by_connection ON effects (tenant_id, connection_id);
CREATE INDEX effects_unsettled ON effects (tenant_id, state) WHERE settled_at IS NULL;

CREATE TABLE attempts (
  tenant_id   TEXT NOT NULL,
  effect_id   TEXT NOT NULL,
  number      INTEGER NOT NULL,
  outcome     TEXT NOT NULL,
  reason      TEXT,
  started_at  BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, effect_id, number),
  FOREIGN KEY (tenant_id, effect_id) REFERENCES effects (tenant_id, id)
);

CREATE TABLE audit (
  chain         TEXT NOT NULL,
  number        BIGINT NOT NULL,
  at            BIGINT NOT NULL,
  actor         TEXT NOT NULL,
  action        TEXT NOT NULL,
  subject       TEXT NOT NULL,
  before        TEXT,
  after         TEXT,
  previous_hash TEXT NOT NULL,
  hash          TEXT NOT NULL,
  PRIMARY KEY (chain, number)
);
