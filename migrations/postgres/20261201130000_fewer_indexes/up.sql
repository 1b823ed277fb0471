-- Both are told by other indexes: runs sort by the moment they began, and a subject has few runs.
DROP INDEX runs_started;
DROP INDEX runs_open_by_subject;
