ALTER TABLE automation_versions DROP COLUMN language;
