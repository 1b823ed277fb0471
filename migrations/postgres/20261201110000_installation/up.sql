-- The daemons that work on this database, and when each last gave a sign of life.
CREATE TABLE daemons (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  pid        BIGINT NOT NULL,
  host       TEXT NOT NULL,
  version    TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  beat_at    BIGINT NOT NULL,
  stopped_at BIGINT
);
-- What only the master key of this database opens. There is one row.
CREATE TABLE key_checks (
  id     BIGINT NOT NULL PRIMARY KEY,
  sealed BYTEA NOT NULL
);
