-- Since when a user's sign-in is locked; and how browsers stand that have signed in as them before, apart
-- from all others, so that strangers cannot lock them out.

ALTER TABLE sign_ins ADD COLUMN locked_at BIGINT;
ALTER TABLE sign_ins ADD COLUMN known_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sign_ins ADD COLUMN known_failed_at BIGINT;
ALTER TABLE sign_ins ADD COLUMN known_locked_until BIGINT;
ALTER TABLE sign_ins ADD COLUMN known_locked_at BIGINT;
