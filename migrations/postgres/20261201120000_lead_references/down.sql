DROP INDEX tasks_by_lead;
DROP INDEX jobs_by_lead;
