-- Drops every account, with its password, every service token, what was counted of attempts to log in, what happened, and what was measured.
DROP TABLE measurements;
DROP TABLE service_tokens;
DROP TABLE security_events;
DROP TABLE attempt_counters;
DROP TABLE accounts;
