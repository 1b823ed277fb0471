ALTER TABLE daemons DROP COLUMN given_back_at;
ALTER TABLE notices DROP COLUMN leased_by;
ALTER TABLE cursors DROP COLUMN leased_by;
ALTER TABLE effects DROP COLUMN leased_by;
