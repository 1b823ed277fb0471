ALTER TABLE key_checks DROP COLUMN root;
