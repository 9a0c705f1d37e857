-- Drops every account, with its password.
DROP TABLE accounts;
