ALTER TABLE effects DROP COLUMN output;
