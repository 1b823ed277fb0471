ALTER TABLE connections DROP COLUMN for_alerts;
ALTER TABLE connections DROP COLUMN for_customers;
