DROP TABLE sessions;
DROP TABLE session_subjects;
DROP TABLE session_feed;
DROP TABLE session_ending;
