CREATE INDEX runs_started ON runs (tenant_id, started_at);
CREATE INDEX runs_open_by_subject ON runs (tenant_id, subject_id) WHERE finished_at IS NULL;
