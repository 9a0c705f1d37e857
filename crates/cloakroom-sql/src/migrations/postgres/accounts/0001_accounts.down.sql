-- Drops every account, with its password, what was counted of attempts to log in, what happened, and every service token.
DROP TABLE service_tokens;
DROP TABLE security_events;
DROP TABLE attempt_counters;
DROP TABLE accounts;
