ALTER TABLE sign_ins DROP COLUMN known_locked_at;
ALTER TABLE sign_ins DROP COLUMN known_locked_until;
ALTER TABLE sign_ins DROP COLUMN known_failed_at;
ALTER TABLE sign_ins DROP COLUMN known_failures;
ALTER TABLE sign_ins DROP COLUMN locked_at;
