-- What an effect made, for the steps after it.

ALTER TABLE effects ADD COLUMN output TEXT;
