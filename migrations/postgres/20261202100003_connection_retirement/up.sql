-- When a connection was deleted that history refers to. It is kept for that alone.
ALTER TABLE connections ADD COLUMN retired_at BIGINT;
