-- Login sessions. Times are milliseconds since 1970-01-01T00:00:00Z.

-- One row per subject that ever logged in. The row of the empty subject stands for everybody.
CREATE TABLE session_subjects (
    subject      TEXT NOT NULL PRIMARY KEY CHECK (length(CAST(subject AS BLOB)) <= 255),
    -- The feed's position when everything of the subject was last ended: no login that began before survives it.
    all_ended_at INTEGER
) STRICT;

CREATE TABLE sessions (
    -- SHA-256 of the token's 32 bytes. The token itself is stored nowhere.
    token_digest        BLOB    NOT NULL PRIMARY KEY CHECK (length(token_digest) = 32),
    id                  TEXT    NOT NULL UNIQUE CHECK (length(id) = 36),
    subject             TEXT    NOT NULL CHECK (subject <> '') REFERENCES session_subjects (subject),
    created_at          INTEGER NOT NULL,
    authenticated_at    INTEGER NOT NULL,
    last_seen_at        INTEGER NOT NULL,
    idle_timeout        INTEGER CHECK (idle_timeout >= 0),
    absolute_expires_at INTEGER NOT NULL,
    auth_method         TEXT    NOT NULL,
    user_agent          TEXT    CHECK (length(CAST(user_agent AS BLOB)) <= 256),
    ip                  TEXT
) STRICT;

CREATE INDEX sessions_subject ON sessions (subject, id);
CREATE INDEX sessions_absolute_expires_at ON sessions (absolute_expires_at);

-- Every ending and every change that other readers must hear of, in order of commit. AUTOINCREMENT: positions never go
-- back, however much of the feed is purged.
CREATE TABLE session_feed (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL CHECK (kind IN ('ended', 'changed', 'all_ended')),
    token_digest BLOB,
    session_id   TEXT,
    subject      TEXT,
    reason       TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT;

CREATE INDEX session_feed_token_digest ON session_feed (token_digest) WHERE kind = 'ended';
CREATE INDEX session_feed_subject ON session_feed (subject, position) WHERE kind = 'ended';
CREATE INDEX session_feed_at ON session_feed (at);

-- Why and when the transaction under way ends sessions. Written and removed within it; without it a row went by hand.
CREATE TABLE session_ending (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

CREATE TRIGGER sessions_ended AFTER DELETE ON sessions BEGIN
    INSERT INTO session_feed (kind, token_digest, session_id, subject, reason, at)
    SELECT 'ended', OLD.token_digest, OLD.id, OLD.subject,
           coalesce(e.reason, 'by_hand'),
           coalesce(e.at, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
    FROM (SELECT 1) LEFT JOIN session_ending AS e ON e.one = 1;
END;

CREATE TRIGGER sessions_changed AFTER UPDATE OF token_digest, id, subject, idle_timeout, absolute_expires_at ON sessions
WHEN OLD.token_digest IS NOT NEW.token_digest OR OLD.id IS NOT NEW.id OR OLD.subject IS NOT NEW.subject
  OR OLD.idle_timeout IS NOT NEW.idle_timeout OR OLD.absolute_expires_at IS NOT NEW.absolute_expires_at
BEGIN
    INSERT INTO session_feed (kind, token_digest, session_id, subject, reason, at)
    SELECT 'changed', OLD.token_digest, OLD.id, OLD.subject, coalesce(e.reason, 'by_hand'),
           coalesce(e.at, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
    FROM (SELECT 1) LEFT JOIN session_ending AS e ON e.one = 1;
END;
