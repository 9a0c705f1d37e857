-- Drops every session and the history of endings. Everybody is logged out.
DROP TABLE session_feed;
DROP TABLE session_feed_floor;
DROP TABLE sessions;
DROP TABLE session_subjects;
DROP FUNCTION cloakroom_subject_kept();
DROP FUNCTION cloakroom_feed_emptied();
DROP FUNCTION cloakroom_feed_removed();
DROP FUNCTION cloakroom_sessions_truncated();
DROP FUNCTION cloakroom_session_changed();
DROP FUNCTION cloakroom_sessions_ended();
DROP FUNCTION cloakroom_now();
