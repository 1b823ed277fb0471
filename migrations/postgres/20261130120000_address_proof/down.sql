ALTER TABLE contact_addresses DROP COLUMN added_at;
ALTER TABLE contact_addresses DROP COLUMN proof;
