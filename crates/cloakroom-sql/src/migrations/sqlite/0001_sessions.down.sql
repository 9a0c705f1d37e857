-- Drops every session and its history: everybody is logged out.
DROP TRIGGER session_subjects_kept;
DROP TRIGGER sessions_overwritten;
DROP TRIGGER sessions_changed;
DROP TRIGGER sessions_ended;
DROP TABLE session_ending;
DROP TABLE session_feed;
DROP TABLE sessions;
DROP TABLE session_subjects;
