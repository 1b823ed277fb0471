DROP INDEX audit_by_subject;
DROP TABLE sessions;
DROP TABLE sign_ins;
ALTER TABLE tenants DROP COLUMN links_epoch;
