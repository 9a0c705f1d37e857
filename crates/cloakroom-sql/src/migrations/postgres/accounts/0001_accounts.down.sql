-- Drops every account, with its password, what was counted of attempts to log in, and what happened.
DROP TABLE security_events;
DROP TABLE attempt_counters;
DROP TABLE accounts;
