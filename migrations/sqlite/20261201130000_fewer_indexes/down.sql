CREATE INDEX runs_started ON runs (tenant_id, started_at);
CREATE INDEX runs_open_by_subject ON runs (tenant_id, subject_id) WHERE finished_at IS NULL;

CREATE TABLE steps_by_row (
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
INSERT INTO steps_by_row SELECT tenant_id, run_id, position, name, action, state, reason, effect_id, output, started_at,
  finished_at FROM steps;
DROP TABLE steps;
ALTER TABLE steps_by_row RENAME TO steps;

CREATE TABLE attempts_by_row (
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
INSERT INTO attempts_by_row SELECT tenant_id, effect_id, number, outcome, reason, started_at, finished_at FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_by_row RENAME TO attempts;
