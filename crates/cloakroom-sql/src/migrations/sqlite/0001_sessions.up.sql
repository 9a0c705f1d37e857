-- Cloakroom's session tables for SQLite 3.37 or newer. Times are milliseconds since 1970-01-01T00:00:00Z (UTC),
-- durations are milliseconds.

-- One row per subject that ever logged in, and one with the empty subject that stands for everyone.
CREATE TABLE session_subjects (
    subject TEXT NOT NULL PRIMARY KEY,
    -- The feed position at which everything of the subject was last ended: a login that began before does not survive it.
    all_ended_at INTEGER
) STRICT;

INSERT INTO session_subjects (subject) VALUES ('');

CREATE TABLE sessions (
    -- SHA-256 of the token's 32 random bytes; the token itself is stored nowhere.
    token_digest BLOB NOT NULL PRIMARY KEY CHECK (length(token_digest) = 32),
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    subject TEXT NOT NULL REFERENCES session_subjects (subject) ON UPDATE RESTRICT ON DELETE RESTRICT,
    created_at INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL, -- never indexed: it is the one column that changes while a session is used
    idle_timeout INTEGER,
    absolute_expires_at INTEGER NOT NULL,
    auth_method TEXT NOT NULL,
    user_agent TEXT,
    ip TEXT
) STRICT;

CREATE INDEX sessions_by_subject ON sessions (subject, id);
CREATE INDEX sessions_by_absolute_expires_at ON sessions (absolute_expires_at);

-- Every ending and every change that shortens, re-owns or replaces a session, in the order it was committed.
-- AUTOINCREMENT, because a position must never be given out twice, not even after the feed was purged.
CREATE TABLE session_feed (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('ended', 'changed', 'all_ended')),
    token_digest BLOB,
    session_id TEXT,
    subject TEXT NOT NULL, -- '' with kind 'all_ended': everyone
    reason TEXT,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX session_feed_by_digest ON session_feed (token_digest) WHERE token_digest IS NOT NULL;
CREATE INDEX session_feed_by_subject ON session_feed (subject);
CREATE INDEX session_feed_by_at ON session_feed (at);

-- Why and when the transaction under way ends sessions. Cloakroom writes the one row before it deletes and removes it
-- before it commits, so nobody else ever sees it; without it, a row was deleted by hand.
CREATE TABLE session_ending (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- With reason 'expired': the time at which both timeouts are judged.
    expired_before INTEGER
) STRICT;

-- Triggers, so that a DELETE typed in a shell, with foreign keys off or on, counts like one of Cloakroom's own.
CREATE TRIGGER sessions_ended AFTER DELETE ON sessions
BEGIN
    INSERT INTO session_feed (kind, token_digest, session_id, subject, reason, at)
    VALUES (
        'ended', OLD.token_digest, OLD.id, OLD.subject,
        coalesce(
            (SELECT CASE
                WHEN reason <> 'expired' THEN reason
                WHEN OLD.absolute_expires_at < expired_before THEN 'absolute'
                ELSE 'idle'
            END FROM session_ending),
            'by_hand'
        ),
        coalesce((SELECT at FROM session_ending), CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER))
    );
END;

-- A touch moves last_seen_at forward and nothing else; it writes no feed.
CREATE TRIGGER sessions_changed AFTER UPDATE ON sessions
WHEN OLD.token_digest <> NEW.token_digest
    OR OLD.id <> NEW.id
    OR OLD.subject <> NEW.subject
    OR OLD.created_at <> NEW.created_at
    OR OLD.authenticated_at <> NEW.authenticated_at
    OR OLD.last_seen_at > NEW.last_seen_at
    OR OLD.idle_timeout IS NOT NEW.idle_timeout
    OR OLD.absolute_expires_at <> NEW.absolute_expires_at
    OR OLD.auth_method <> NEW.auth_method
BEGIN
    INSERT INTO session_feed (kind, token_digest, session_id, subject, at)
    VALUES (
        'changed', OLD.token_digest, OLD.id, OLD.subject,
        coalesce((SELECT at FROM session_ending), CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER))
    );
END;

-- INSERT OR REPLACE deletes the old row without the delete trigger, unless PRAGMA recursive_triggers is on. Cloakroom
-- never does that, but a shell or another program may.
CREATE TRIGGER sessions_overwritten BEFORE INSERT ON sessions
WHEN EXISTS (SELECT 1 FROM sessions WHERE token_digest = NEW.token_digest)
    OR EXISTS (SELECT 1 FROM sessions WHERE id = NEW.id)
BEGIN
    INSERT INTO session_feed (kind, token_digest, session_id, subject, at)
    SELECT 'changed', token_digest, id, subject, CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    FROM sessions WHERE token_digest = NEW.token_digest
    UNION
    SELECT 'changed', token_digest, id, subject, CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)
    FROM sessions WHERE id = NEW.id;
END;

-- A subject's row remembers when everything of it was ended. Foreign keys are off in most shells; this is not.
CREATE TRIGGER session_subjects_kept BEFORE DELETE ON session_subjects
WHEN OLD.subject = '' OR EXISTS (SELECT 1 FROM sessions WHERE subject = OLD.subject)
BEGIN
    SELECT raise(ABORT, 'the subject still has sessions');
END;
