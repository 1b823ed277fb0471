-- That this database was put in place from a backup. Until it is released, nothing is done to the world.
CREATE TABLE restores (
  id          TEXT   NOT NULL PRIMARY KEY,
  backup_id   TEXT   NOT NULL,
  backup_at   BIGINT NOT NULL,
  restored_at BIGINT NOT NULL,
  released_at BIGINT,
  released_by TEXT
);

-- What the provider is given to know an effect by, where that is not its id: the same for an effect that is promised anew.
ALTER TABLE effects ADD COLUMN mark TEXT;
-- Since when an effect may have happened of which this database would not know.
ALTER TABLE effects ADD COLUMN unseen_since BIGINT;
CREATE INDEX effects_unseen ON effects (tenant_id, id) WHERE unseen_since IS NOT NULL;
