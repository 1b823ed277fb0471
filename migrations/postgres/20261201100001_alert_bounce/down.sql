ALTER TABLE tenants DROP COLUMN alert_bounce;
