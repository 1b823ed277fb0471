-- A lead that is deleted is looked for in what refers to it.
CREATE INDEX jobs_by_lead ON jobs (tenant_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX tasks_by_lead ON tasks (tenant_id, lead_id) WHERE lead_id IS NOT NULL;
