-- What the status page asks every time it is looked at: what ran by kind and state, without reading what
-- was sent; the few rows that need somebody; answers that came in; runs of the last days.

CREATE INDEX effects_done ON effects (tenant_id, settled_at, kind, state) WHERE settled_at IS NOT NULL;
DROP INDEX effects_settled;
CREATE INDEX effects_by_kind ON effects (tenant_id, kind, id);
CREATE INDEX effects_dead ON effects (tenant_id, state, id) WHERE state = 'dead';
CREATE INDEX runs_failed ON runs (tenant_id, state, id) WHERE state = 'failed';
CREATE INDEX runs_started ON runs (tenant_id, started_at);
CREATE INDEX leads_unreviewed ON leads (tenant_id, state, id) WHERE state = 'needs_review';
CREATE INDEX messages_received ON messages (tenant_id, sent_at) WHERE author = 'contact';
