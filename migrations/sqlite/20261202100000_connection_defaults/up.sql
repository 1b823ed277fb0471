-- Which connection an operator chose for mails to customers, and for alerts to the business.
ALTER TABLE connections ADD COLUMN for_customers BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN for_alerts BOOLEAN NOT NULL DEFAULT 0;
-- Why a lead was not fetched is cleared by the next one that is; here it is for sources whose leads all were.
UPDATE sources SET last_error = NULL
 WHERE last_error LIKE 'a lead was not fetched: %'
   AND NOT EXISTS (SELECT 1 FROM notices
                    WHERE notices.tenant_id = sources.tenant_id AND notices.source_id = sources.id
                      AND notices.state IN ('retrying', 'failed'));
