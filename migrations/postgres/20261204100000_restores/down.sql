DROP INDEX effects_unseen;
ALTER TABLE effects DROP COLUMN unseen_since;
ALTER TABLE effects DROP COLUMN mark;
DROP TABLE restores;
