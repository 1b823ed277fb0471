ALTER TABLE messages DROP COLUMN delivery;
