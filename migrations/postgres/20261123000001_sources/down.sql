DROP TABLE api_keys;
DROP TABLE notices;
DROP TABLE sources;
