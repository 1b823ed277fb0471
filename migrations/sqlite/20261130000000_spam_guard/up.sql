-- What is held back as spam goes after a while, and a tenant keeps so much of it in a day.
CREATE INDEX leads_spam ON leads (received_at) WHERE state = 'spam';
CREATE INDEX leads_spam_by_tenant ON leads (tenant_id, received_at) WHERE state = 'spam';
