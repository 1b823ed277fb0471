DROP INDEX leads_spam_by_tenant;
DROP INDEX leads_spam;
