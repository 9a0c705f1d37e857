-- Drops every account, with its password, and what was counted of attempts to log in.
DROP TABLE attempt_counters;
DROP TABLE accounts;
