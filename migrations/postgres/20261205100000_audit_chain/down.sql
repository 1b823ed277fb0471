DROP TABLE audit_people;
DROP TABLE audit_heads;
DROP INDEX audit_by_person;
ALTER TABLE audit DROP COLUMN person;
ALTER TABLE audit DROP COLUMN form;
