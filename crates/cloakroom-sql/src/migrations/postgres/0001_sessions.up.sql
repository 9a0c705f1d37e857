-- Cloakroom's session tables for PostgreSQL 14 or newer.

-- One row per subject that ever logged in, and one with the empty subject that stands for everyone.
CREATE TABLE session_subjects (
    subject text COLLATE "C" NOT NULL PRIMARY KEY CHECK (octet_length(subject) <= 255),
    -- The transaction that last ended everything of the subject: a login that began before it committed does not survive it.
    all_ended_at xid8
);

INSERT INTO session_subjects (subject) VALUES ('');

CREATE TABLE sessions (
    -- SHA-256 of the token's 32 random bytes; the token itself is stored nowhere.
    token_digest bytea NOT NULL PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    id uuid NOT NULL UNIQUE,
    subject text COLLATE "C" NOT NULL REFERENCES session_subjects (subject) ON UPDATE RESTRICT ON DELETE RESTRICT
        CHECK (subject <> ''),
    created_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL, -- never indexed: it is the one column that changes while a session is used
    idle_timeout interval CHECK (idle_timeout >= interval '0'),
    absolute_expires_at timestamptz NOT NULL,
    auth_method text NOT NULL CHECK (octet_length(auth_method) BETWEEN 1 AND 32),
    user_agent text CHECK (octet_length(user_agent) <= 256),
    ip inet
) WITH (fillfactor = 80); -- room on every page for the next version of its rows, so that a touch writes no index

CREATE INDEX sessions_by_subject ON sessions (subject, id);
CREATE INDEX sessions_by_absolute_expires_at ON sessions (absolute_expires_at);

-- Every ending and every change that shortens, re-owns or replaces a session.
CREATE TABLE session_feed (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Positions are given out before the commit and so tell no order of commits; this does, beside a snapshot.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL CHECK (kind IN ('ended', 'changed', 'all_ended')),
    token_digest bytea,
    session_id uuid,
    subject text COLLATE "C" NOT NULL, -- '' with kind 'all_ended': everyone
    reason text,
    at timestamptz NOT NULL
);

CREATE INDEX session_feed_by_xid ON session_feed (xid);
CREATE INDEX session_feed_by_digest ON session_feed (token_digest) WHERE token_digest IS NOT NULL;
CREATE INDEX session_feed_by_subject ON session_feed (subject);
CREATE INDEX session_feed_by_at ON session_feed (at);

-- What was removed from the feed: who follows it and has not seen that, cannot be told what it missed. One row.
CREATE TABLE session_feed_floor (
    only_row integer NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- The highest transaction of which an entry was deleted, and the last transaction that deleted any.
    removed_to xid8,
    removed_by xid8,
    -- The last transaction that truncated the feed.
    emptied_by xid8
);

INSERT INTO session_feed_floor (only_row) VALUES (1);

-- Triggers, so that a DELETE typed in psql counts like one of Cloakroom's own. Why and when sessions end, Cloakroom says in
-- settings of its own transaction (cloakroom.reason, cloakroom.at, cloakroom.expired_before); without them, a row was
-- removed by hand.
CREATE FUNCTION cloakroom_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('cloakroom.at', true), '')::timestamptz, clock_timestamp()) $$;

-- For a whole statement at once: deleting a million rows by hand writes a million entries in one go.
CREATE FUNCTION cloakroom_sessions_ended() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    cause text := coalesce(nullif(current_setting('cloakroom.reason', true), ''), 'by_hand');
    expired_before timestamptz := nullif(current_setting('cloakroom.expired_before', true), '')::timestamptz;
BEGIN
    INSERT INTO session_feed (kind, token_digest, session_id, subject, reason, at)
    SELECT 'ended', gone.token_digest, gone.id, gone.subject,
        CASE
            WHEN cause <> 'expired' THEN cause
            WHEN gone.absolute_expires_at < expired_before THEN 'absolute'
            ELSE 'idle'
        END,
        cloakroom_now()
    FROM gone ORDER BY gone.id;
    RETURN NULL;
END $$;

CREATE TRIGGER sessions_ended AFTER DELETE ON sessions
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cloakroom_sessions_ended();

-- A touch moves last_seen_at forward and nothing else; it does not come here and writes no feed.
CREATE FUNCTION cloakroom_session_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO session_feed (kind, token_digest, session_id, subject, at)
    VALUES ('changed', OLD.token_digest, OLD.id, OLD.subject, cloakroom_now());
    RETURN NULL;
END $$;

CREATE TRIGGER sessions_changed AFTER UPDATE ON sessions FOR EACH ROW
WHEN (OLD.token_digest <> NEW.token_digest
    OR OLD.id <> NEW.id
    OR OLD.subject <> NEW.subject
    OR OLD.created_at <> NEW.created_at
    OR OLD.authenticated_at <> NEW.authenticated_at
    OR OLD.last_seen_at > NEW.last_seen_at
    OR OLD.idle_timeout IS DISTINCT FROM NEW.idle_timeout
    OR OLD.absolute_expires_at <> NEW.absolute_expires_at
    OR OLD.auth_method <> NEW.auth_method)
EXECUTE FUNCTION cloakroom_session_changed();

-- TRUNCATE names no rows: it counts as the end of everything, logins under way included.
CREATE FUNCTION cloakroom_sessions_truncated() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE session_subjects SET all_ended_at = pg_current_xact_id() WHERE subject = '';
    INSERT INTO session_feed (kind, subject, reason, at) VALUES ('all_ended', '', 'by_hand', cloakroom_now());
    RETURN NULL;
END $$;

CREATE TRIGGER sessions_truncated AFTER TRUNCATE ON sessions
FOR EACH STATEMENT EXECUTE FUNCTION cloakroom_sessions_truncated();

-- A purge, or a DELETE typed in psql. What is not below the next transaction id was restored from another server's dump.
CREATE FUNCTION cloakroom_feed_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    next xid8 := pg_snapshot_xmax(pg_current_snapshot());
    highest xid8 := (SELECT gone.xid FROM gone WHERE gone.xid < next ORDER BY gone.xid DESC LIMIT 1);
BEGIN
    IF highest IS NOT NULL THEN
        INSERT INTO session_feed_floor AS floor (only_row, removed_to, removed_by) VALUES (1, highest, pg_current_xact_id())
        ON CONFLICT (only_row) DO UPDATE SET removed_by = excluded.removed_by, removed_to = greatest(
            excluded.removed_to, CASE WHEN floor.removed_to < next THEN floor.removed_to END
        );
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER session_feed_removed AFTER DELETE ON session_feed
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION cloakroom_feed_removed();

CREATE FUNCTION cloakroom_feed_emptied() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO session_feed_floor (only_row, emptied_by) VALUES (1, pg_current_xact_id())
    ON CONFLICT (only_row) DO UPDATE SET emptied_by = excluded.emptied_by;
    RETURN NULL;
END $$;

CREATE TRIGGER session_feed_emptied AFTER TRUNCATE ON session_feed
FOR EACH STATEMENT EXECUTE FUNCTION cloakroom_feed_emptied();

-- The row that stands for everyone, and every subject's that bears a mark, remember when everything was ended: without it, a
-- login that began before would outlive that. Once no such login can be under way, a mark may be set to NULL, and the row go.
CREATE FUNCTION cloakroom_subject_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this row remembers when everything of its subject was ended and must stay'
        USING ERRCODE = 'restrict_violation', HINT = 'set all_ended_at to NULL first; the row with the empty subject always stays';
END $$;

CREATE TRIGGER session_subjects_kept BEFORE DELETE ON session_subjects
FOR EACH ROW WHEN (OLD.subject = '' OR OLD.all_ended_at IS NOT NULL) EXECUTE FUNCTION cloakroom_subject_kept();

CREATE TRIGGER session_subjects_not_renamed BEFORE UPDATE OF subject ON session_subjects
FOR EACH ROW WHEN (OLD.subject <> NEW.subject AND (OLD.subject = '' OR OLD.all_ended_at IS NOT NULL))
EXECUTE FUNCTION cloakroom_subject_kept();

CREATE TRIGGER session_subjects_not_truncated BEFORE TRUNCATE ON session_subjects
FOR EACH STATEMENT EXECUTE FUNCTION cloakroom_subject_kept();
