//! The statements that both databases understand, each once; those of one alone are in its own `statements`.
//!
//! No statement here is built at run time. Only [`INSERT_SESSION`] inserts into `sessions` (on PostgreSQL a copy has one for
//! many rows beside it), and it does nothing but insert: whatever would also update (an upsert, a REPLACE) could bring an
//! ended session back (G3).

/// Neither timeout has passed at `$n`: what a statement can decide of `SessionRecord::is_living`.
macro_rules! living_at {
    ($now:literal) => {
        concat!(
            "absolute_expires_at > ",
            $now,
            " AND (idle_timeout IS NULL OR last_seen_at + idle_timeout > ",
            $now,
            ")"
        )
    };
}

macro_rules! session_columns {
    () => {
        "id, subject, created_at, authenticated_at, last_seen_at, idle_timeout, absolute_expires_at, auth_method, \
         user_agent, ip"
    };
}

macro_rules! event_columns {
    () => {
        "id, at, kind, subject, session_id, reason, user_agent, ip, request_id"
    };
}

macro_rules! service_token_columns {
    () => {
        "name, digest, scope, created_at, last_used_at"
    };
}

macro_rules! account_columns {
    () => {
        "subject, login_name, password_hash, role, created_at, password_changed_at, disabled_at"
    };
}

/// How many rows of a table are more than a most, a chunk at the most.
macro_rules! over {
    ($table:literal, $max:literal, $chunk:literal) => {
        concat!(
            "(SELECT CASE WHEN count(*) - ",
            $max,
            " > ",
            $chunk,
            " THEN ",
            $chunk,
            " WHEN count(*) > ",
            $max,
            " THEN count(*) - ",
            $max,
            " ELSE 0 END FROM ",
            $table,
            ")"
        )
    };
}

#[cfg(feature = "postgres")]
pub(crate) use account_columns;
pub(crate) use {living_at, over, service_token_columns, session_columns};

// Logging in.
pub(crate) const ENSURE_SUBJECT: &str =
    "INSERT INTO session_subjects (subject) VALUES ($1) ON CONFLICT (subject) DO NOTHING";
pub(crate) const INSERT_SESSION: &str = concat!(
    "INSERT INTO sessions (token_digest, ",
    session_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
);

// Sessions. A walk goes down from an id ($1), above every other at its start.
pub(crate) const LIST_SESSIONS: &str =
    concat!("SELECT ", session_columns!(), " FROM sessions WHERE id < $1 ORDER BY id DESC LIMIT $2");
/// The last id of the next so many of them; nothing where there are fewer left.
pub(crate) const WINDOW_END: &str = "SELECT id FROM sessions WHERE id < $1 ORDER BY id DESC LIMIT 1 OFFSET $2";
pub(crate) const REPLACE_TOKEN: &str =
    concat!("UPDATE sessions SET token_digest = $1 WHERE token_digest = $2 AND ", living_at!("$3"));
pub(crate) const REPLACE_TOKEN_REAUTHENTICATED: &str = concat!(
    "UPDATE sessions SET token_digest = $1, authenticated_at = $3, \
     last_seen_at = CASE WHEN last_seen_at < $3 THEN $3 ELSE last_seen_at END, absolute_expires_at = $4 \
     WHERE token_digest = $2 AND ",
    living_at!("$3")
);

// Ending.

// The feed.
pub(crate) const ENDINGS: &str = "SELECT session_id, subject, reason, at FROM session_feed \
     WHERE subject = $1 AND kind = 'ended' ORDER BY position DESC LIMIT $2";

// Purging.
pub(crate) const EXPIRED_ABSOLUTELY: &str =
    "SELECT token_digest FROM sessions WHERE absolute_expires_at < $1 ORDER BY absolute_expires_at LIMIT $2";
/// The last id of the next so many sessions of a walk over all of them; nothing where there are fewer left.
pub(crate) const STEP_END: &str = "SELECT id FROM sessions WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2";
/// What no index finds: use is not indexed.
pub(crate) const EXPIRED_IDLE_IN_STEP: &str = "SELECT token_digest FROM sessions WHERE id > $1 AND id <= $2 \
     AND absolute_expires_at >= $3 AND idle_timeout IS NOT NULL AND last_seen_at + idle_timeout < $3 LIMIT $4";

/// How much is due.
pub(crate) const COUNT_EXPIRED: &str = "SELECT count(*) FROM sessions WHERE absolute_expires_at < $1 \
     OR (idle_timeout IS NOT NULL AND last_seen_at + idle_timeout < $1)";
pub(crate) const COUNT_ENDINGS: &str = "SELECT count(*) FROM session_feed WHERE kind = 'ended' AND at < $1";
pub(crate) const COUNT_FACTS: &str =
    "SELECT count(*) FROM sessions WHERE created_at < $1 AND (user_agent IS NOT NULL OR ip IS NOT NULL)";
pub(crate) const COUNT_COUNTERS: &str = "SELECT count(*), count(CASE WHEN (failures = 0 AND under_way = 0 \
     AND until_at <= $1) OR (changed_at < $2 AND failures < $3) THEN 1 END) FROM attempt_counters";
pub(crate) const COUNT_EVENTS: &str = "SELECT count(*), count(CASE WHEN id < $1 THEN 1 END) FROM security_events";

// Accounts.
pub(crate) const INSERT_ACCOUNT: &str =
    concat!("INSERT INTO accounts (", account_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)");
pub(crate) const ANY_ACCOUNT: &str = "SELECT EXISTS (SELECT 1 FROM accounts)";
pub(crate) const IS_ACCOUNT_TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM accounts WHERE subject = $1) \
     OR EXISTS (SELECT 1 FROM accounts WHERE login_name = $2)";
pub(crate) const ACCOUNT_BY_LOGIN_NAME: &str =
    concat!("SELECT ", account_columns!(), " FROM accounts WHERE login_name = $1");
pub(crate) const ACCOUNT_BY_SUBJECT: &str = concat!("SELECT ", account_columns!(), " FROM accounts WHERE subject = $1");
/// After the empty name means from the first one: no login name is empty.
pub(crate) const ACCOUNTS_AFTER: &str =
    concat!("SELECT ", account_columns!(), " FROM accounts WHERE login_name > $1 ORDER BY login_name LIMIT $2");
/// Those who may change others' accounts.
pub(crate) const IS_ADMINISTRATOR: &str =
    "SELECT EXISTS (SELECT 1 FROM accounts WHERE subject = $1 AND role = 'administrator' AND disabled_at IS NULL)";
pub(crate) const SET_PASSWORD: &str =
    "UPDATE accounts SET password_hash = $1, password_changed_at = $2 WHERE subject = $3";
pub(crate) const REHASH: &str = "UPDATE accounts SET password_hash = $1 WHERE subject = $2 AND password_hash = $3";
pub(crate) const DISABLE_ACCOUNT: &str =
    "UPDATE accounts SET disabled_at = coalesce(disabled_at, $1) WHERE subject = $2";
pub(crate) const ENABLE_ACCOUNT: &str = "UPDATE accounts SET disabled_at = NULL WHERE subject = $1";
pub(crate) const REMOVE_ACCOUNT: &str = "DELETE FROM accounts WHERE subject = $1";

// What is counted of attempts to log in.
pub(crate) const SET_COUNTER: &str =
    "UPDATE attempt_counters SET failures = $1, under_way = $2, until_at = $3, changed_at = $4 WHERE key = $5";
pub(crate) const FORGET_COUNTER: &str = "DELETE FROM attempt_counters WHERE key = $1";
pub(crate) const LOCKED: &str = "SELECT key FROM attempt_counters WHERE failures >= $1 ORDER BY key LIMIT $2";

// What happened. A list begins before an id: all of them are before the last one there can be.
/// One that is there already is passed over.
pub(crate) const RECORD_EVENT: &str = concat!(
    "INSERT INTO security_events (",
    event_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING"
);
pub(crate) const EVENTS: &str =
    concat!("SELECT ", event_columns!(), " FROM security_events WHERE id < $1 ORDER BY id DESC LIMIT $2");
pub(crate) const EVENTS_OF: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM security_events WHERE subject = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
);
pub(crate) const PURGE_EVENTS_BEFORE: &str = "DELETE FROM security_events WHERE id IN \
     (SELECT id FROM security_events WHERE id < $1 ORDER BY id LIMIT $2)";
/// Those that are more than $1, a chunk of $2 at most.
pub(crate) const PURGE_OLDEST_EVENTS: &str = concat!(
    "DELETE FROM security_events WHERE id IN (SELECT id FROM security_events ORDER BY id LIMIT ",
    over!("security_events", "$1", "$2"),
    ")"
);

// Service tokens.
/// None where there are as many as there can be.
pub(crate) const ADD_SERVICE_TOKEN: &str = concat!(
    "INSERT INTO service_tokens (",
    service_token_columns!(),
    ") SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM service_tokens) < $6"
);
pub(crate) const SERVICE_TOKENS: &str =
    concat!("SELECT ", service_token_columns!(), " FROM service_tokens ORDER BY name LIMIT $1");
pub(crate) const SERVICE_TOKEN: &str =
    concat!("SELECT ", service_token_columns!(), " FROM service_tokens WHERE digest = $1");
pub(crate) const REMOVE_SERVICE_TOKEN: &str = "DELETE FROM service_tokens WHERE name = $1";
pub(crate) const USE_SERVICE_TOKEN: &str = "UPDATE service_tokens SET last_used_at = $1 \
     WHERE digest = $2 AND (last_used_at IS NULL OR last_used_at < $1)";

// What is measured. All instances write the same rows, in the order of their keys.
/// Adds what one instance counted; saturates, where only a mistake could come to.
pub(crate) const ADD_MEASUREMENT: &str = "INSERT INTO measurements AS held (resolution, bucket, name, value) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (resolution, bucket, name) DO UPDATE SET value = CASE \
     WHEN held.value > 9223372036854775807 - excluded.value THEN 9223372036854775807 \
     ELSE held.value + excluded.value END";
/// What every instance can read: the greatest stays, whoever writes last.
pub(crate) const RAISE_MEASUREMENT: &str = "INSERT INTO measurements AS held (resolution, bucket, name, value) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (resolution, bucket, name) DO UPDATE SET value = excluded.value \
     WHERE excluded.value > held.value";
pub(crate) const MEASUREMENTS: &str =
    "SELECT bucket, name, value FROM measurements WHERE resolution = $1 AND bucket >= $2 AND bucket < $3";

// Copying. A page begins after a key: the first one after no bytes, no text, the lowest number. The empty subject, which
// stands for everyone, is in every database and not copied.
pub(crate) const SUBJECTS_AFTER: &str =
    "SELECT subject FROM session_subjects WHERE subject > $1 ORDER BY subject LIMIT $2";
pub(crate) const SESSIONS_AFTER: &str = concat!(
    "SELECT token_digest, ",
    session_columns!(),
    " FROM sessions WHERE token_digest > $1 ORDER BY token_digest LIMIT $2"
);
pub(crate) const ACCOUNTS_BY_SUBJECT_AFTER: &str =
    concat!("SELECT ", account_columns!(), " FROM accounts WHERE subject > $1 ORDER BY subject LIMIT $2");
pub(crate) const SERVICE_TOKENS_AFTER: &str =
    concat!("SELECT ", service_token_columns!(), " FROM service_tokens WHERE name > $1 ORDER BY name LIMIT $2");
pub(crate) const ENTRIES_AFTER: &str = "SELECT position, kind, token_digest, session_id, subject, reason, at \
     FROM session_feed WHERE position > $1 ORDER BY position LIMIT $2";
pub(crate) const COUNT_SUBJECTS: &str = "SELECT count(*) FROM session_subjects WHERE subject <> ''";
pub(crate) const COUNT_SESSIONS: &str = "SELECT count(*) FROM sessions";
pub(crate) const COUNT_ACCOUNTS: &str = "SELECT count(*) FROM accounts";
pub(crate) const COUNT_SERVICE_TOKENS: &str = "SELECT count(*) FROM service_tokens";
pub(crate) const COUNT_ENTRIES: &str = "SELECT count(*) FROM session_feed";
/// Nobody has ever logged in, and nothing has ended.
pub(crate) const IS_UNUSED: &str = "SELECT NOT EXISTS (SELECT 1 FROM session_subjects WHERE subject <> '') \
     AND NOT EXISTS (SELECT 1 FROM sessions) AND NOT EXISTS (SELECT 1 FROM session_feed)";
/// The same of what the server adds.
pub(crate) const HAS_NO_ACCOUNTS: &str =
    "SELECT NOT EXISTS (SELECT 1 FROM accounts) AND NOT EXISTS (SELECT 1 FROM service_tokens)";
pub(crate) const BEGIN_COPY: &str =
    "INSERT INTO cloakroom_copy (only_row, source, source_name, run) VALUES (1, $1, $2, 1)";
pub(crate) const COPY_UNDER_WAY: &str = "SELECT source, source_name FROM cloakroom_copy";
pub(crate) const COPY_SOURCE: &str = "SELECT source_name FROM cloakroom_copy";
/// Whoever runs later goes on; whoever ran before notices at its next chunk.
pub(crate) const NEXT_RUN: &str = "UPDATE cloakroom_copy SET run = run + 1 RETURNING run";
pub(crate) const END_COPY: &str = "DROP TABLE cloakroom_copy";

// Readiness.
/// The row that stands for everyone, and tables that can be read.
pub(crate) const IS_READY: &str = "SELECT EXISTS (SELECT 1 FROM session_subjects WHERE subject = '') \
     AND (SELECT count(*) FROM (SELECT 1 FROM sessions LIMIT 1) AS one) >= 0";
