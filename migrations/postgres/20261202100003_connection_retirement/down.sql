ALTER TABLE connections DROP COLUMN retired_at;
