DROP TABLE key_checks;
DROP TABLE daemons;
