-- What mail systems reported of a message that was sent.
ALTER TABLE messages ADD COLUMN delivery TEXT;
