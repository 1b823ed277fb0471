-- The last mail to the business itself that came back (src/domain/report/health.rs).
ALTER TABLE tenants ADD COLUMN alert_bounce TEXT;
