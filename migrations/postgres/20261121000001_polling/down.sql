DROP INDEX events_settled;
DROP TABLE timers;
DROP TABLE items;
DROP TABLE cursors;
DROP TABLE messages;
DROP INDEX leads_by_contact;
ALTER TABLE leads DROP COLUMN contact_id, DROP COLUMN reply_to, DROP COLUMN original;
DROP TABLE contact_addresses;
DROP TABLE contacts;
