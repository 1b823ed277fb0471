ALTER TABLE connections DROP COLUMN send_as;
