DROP INDEX messages_received;
DROP INDEX leads_unreviewed;
DROP INDEX runs_started;
DROP INDEX runs_failed;
DROP INDEX effects_dead;
DROP INDEX effects_by_kind;
CREATE INDEX effects_settled ON effects (tenant_id, settled_at) WHERE settled_at IS NOT NULL;
DROP INDEX effects_done;
