-- Leads that were not fetched are counted for each tenant.
CREATE INDEX notices_by_state ON notices (tenant_id, state);
