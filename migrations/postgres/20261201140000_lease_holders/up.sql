-- Which daemon works on a row until its lease ends, so that others take over soon when that daemon is gone.
ALTER TABLE effects ADD COLUMN leased_by TEXT;
ALTER TABLE cursors ADD COLUMN leased_by TEXT;
ALTER TABLE notices ADD COLUMN leased_by TEXT;
-- When what a daemon held was given back, after it was gone.
ALTER TABLE daemons ADD COLUMN given_back_at BIGINT;
