//! The statements that only SQLite understands, or only SQLite needs.

use crate::statements::{living_at, over, service_token_columns, session_columns};

/// In a window of a walk, below $1 and down to $2, and matching: created before $3, by method $4, with this piece in the user agent
/// ($5), from one of these addresses (a JSON array, $6). What is NULL asks for nothing.
macro_rules! matching {
    () => {
        "FROM sessions WHERE id < $1 AND id >= $2 AND ($3 IS NULL OR created_at < $3) AND ($4 IS NULL OR auth_method = $4) \
         AND ($5 IS NULL OR instr(lower(user_agent), $5) > 0) AND ($6 IS NULL OR ip IN (SELECT value FROM json_each($6)))"
    };
}

/// The last position ever given out. Not `max(position)`, which goes back when the feed is purged.
pub(crate) const MOMENT: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'session_feed'";
pub(crate) const LAST_ALL_ENDED_AT: &str =
    "SELECT max(all_ended_at) FROM session_subjects WHERE subject = $1 OR subject = ''";
pub(crate) const IS_TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM sessions WHERE token_digest = $1) \
     OR EXISTS (SELECT 1 FROM sessions WHERE id = $2)";
pub(crate) const TOUCH: &str = concat!(
    "UPDATE sessions SET last_seen_at = CASE WHEN last_seen_at < $1 THEN $1 ELSE last_seen_at END \
     WHERE token_digest = $2 AND ",
    living_at!("$3")
);
pub(crate) const HAS_DIGEST: &str = "SELECT EXISTS (SELECT 1 FROM sessions WHERE token_digest = $1)";
/// Whatever somebody left in there by hand is overwritten.
pub(crate) const SET_ENDING: &str = "INSERT INTO session_ending (only_row, reason, at, expired_before) \
     VALUES (1, $1, $2, $3) ON CONFLICT (only_row) DO UPDATE \
     SET reason = excluded.reason, at = excluded.at, expired_before = excluded.expired_before";
pub(crate) const CLEAR_ENDING: &str = "DELETE FROM session_ending";
pub(crate) const APPEND_ALL_ENDED: &str =
    "INSERT INTO session_feed (kind, subject, reason, at) VALUES ('all_ended', $1, $2, $3) RETURNING position";
pub(crate) const SET_ALL_ENDED: &str = "INSERT INTO session_subjects (subject, all_ended_at) VALUES ($1, $2) \
     ON CONFLICT (subject) DO UPDATE SET all_ended_at = excluded.all_ended_at";
pub(crate) const ID_OF: &str = "SELECT CAST(id AS BLOB) FROM sessions WHERE token_digest = $1";
pub(crate) const END_ONE: &str = "DELETE FROM sessions WHERE token_digest = $1";
pub(crate) const END_ALL: &str = "DELETE FROM sessions";
pub(crate) const FIRST_BY_ID: &str = "SELECT token_digest FROM sessions ORDER BY id LIMIT $1";
pub(crate) const OF_SUBJECT_BY_ID: &str = "SELECT token_digest FROM sessions WHERE subject = $1 ORDER BY id";
pub(crate) const SCRUB: &str = "UPDATE sessions SET user_agent = NULL, ip = NULL WHERE id > $1 AND id <= $2 \
     AND created_at < $3 AND (user_agent IS NOT NULL OR ip IS NOT NULL)";
/// Above every id: none starts with such a letter.
pub(crate) const ID_MAX: &str = "~";
/// How many digests [`END_EXPIRED`] takes; with fewer, one is repeated.
pub(crate) const EXPIRED_AT_ONCE: usize = 16;
pub(crate) const END_EXPIRED: &str = "DELETE FROM sessions WHERE token_digest IN \
     ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
     AND (absolute_expires_at < $1 OR (idle_timeout IS NOT NULL AND last_seen_at + idle_timeout < $1))";
pub(crate) const COUNT_OLD_ENDINGS: &str =
    "SELECT count(*) FROM (SELECT 1 FROM session_feed WHERE kind = 'ended' AND at < $1 LIMIT $2)";
pub(crate) const PURGE_ENDINGS: &str = "DELETE FROM session_feed WHERE position IN \
     (SELECT position FROM session_feed WHERE kind = 'ended' AND at < $1 ORDER BY position LIMIT $2)";
pub(crate) const PURGE_CHANGES: &str = "DELETE FROM session_feed WHERE position IN \
     (SELECT position FROM session_feed WHERE kind <> 'ended' AND at < $1 ORDER BY position LIMIT $2)";

pub(crate) const FIND_SESSION: &str = concat!("SELECT ", session_columns!(), " FROM sessions WHERE token_digest = $1");
pub(crate) const ENDING_OF: &str = "SELECT session_id, subject, reason, at FROM session_feed \
     WHERE token_digest = $1 AND kind = 'ended' ORDER BY position DESC LIMIT 1";
pub(crate) const COUNT_LIVING: &str =
    concat!("SELECT count(*) FROM sessions WHERE subject = $1 AND ", living_at!("$2"));
pub(crate) const OLDEST_LIVING: &str = concat!(
    "SELECT token_digest FROM sessions WHERE subject = $1 AND ",
    living_at!("$2"),
    " ORDER BY created_at, id LIMIT $3"
);
pub(crate) const IS_LIVING: &str =
    concat!("SELECT EXISTS (SELECT 1 FROM sessions WHERE token_digest = $1 AND ", living_at!("$2"), ")");
pub(crate) const PASSWORD_HASH: &str = "SELECT password_hash FROM accounts WHERE subject = $1";
pub(crate) const END_ID: &str = "DELETE FROM sessions WHERE id = $1";
pub(crate) const END_OWN: &str = "DELETE FROM sessions WHERE id = $1 AND subject = $2";

// Filters.
pub(crate) const LIST_SESSIONS_OF: &str =
    concat!("SELECT ", session_columns!(), " FROM sessions WHERE subject = $3 AND id < $1 ORDER BY id DESC LIMIT $2");
pub(crate) const MATCHING: &str =
    concat!("SELECT ", session_columns!(), " ", matching!(), " ORDER BY id DESC LIMIT $7");
pub(crate) const COUNT_MATCHING: &str = concat!("SELECT count(*) ", matching!(), " AND ", living_at!("$7"));
/// Which addresses there are in a window, as one text: which of them lie in a network, SQLite cannot say.
pub(crate) const ADDRESSES: &str =
    "SELECT group_concat(DISTINCT ip) FROM sessions WHERE id < $1 AND id >= $2 AND ip IS NOT NULL";
/// By their ids (a JSON array), because a token may have been replaced since.
pub(crate) const SESSIONS_OF_IDS: &str =
    concat!("SELECT ", session_columns!(), " FROM sessions WHERE id IN (SELECT value FROM json_each($1))");
pub(crate) const END_IDS: &str = "DELETE FROM sessions WHERE id IN (SELECT value FROM json_each($1))";

// Following the feed.
/// Another number than the last time on the same connection: somebody else has committed since.
pub(crate) const DATA_VERSION: &str = "PRAGMA data_version";
/// The row at a position ($1, the last one where it is NULL) as it is now, and what came after it; with each the last position
/// ever given out and the version of the schema. One statement, one snapshot; at least one row.
pub(crate) const FOLLOW: &str = "WITH given (last) AS MATERIALIZED \
     (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'session_feed'), 0)) \
     SELECT last, (SELECT schema_version FROM pragma_schema_version) AS schema, \
     position, kind, token_digest, session_id, subject, reason, at \
     FROM given LEFT JOIN session_feed ON position >= coalesce($1, last) ORDER BY position LIMIT $2";

// Metrics.
/// Reads the smallest index.
pub(crate) const COUNT_SESSIONS: &str = "SELECT count(*) FROM sessions";

// Copying.
pub(crate) const MAKE_COPY_TABLE: &str = "CREATE TABLE cloakroom_copy (\
     only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1), source TEXT NOT NULL, source_name TEXT NOT NULL, \
     started_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, run INTEGER NOT NULL) STRICT";
pub(crate) const IS_OUR_RUN: &str = "SELECT EXISTS (SELECT 1 FROM cloakroom_copy WHERE run = $1)";
pub(crate) const REMOVE_SUBJECT: &str = "DELETE FROM session_subjects WHERE subject = $1";
pub(crate) const INSERT_SERVICE_TOKEN: &str =
    concat!("INSERT INTO service_tokens (", service_token_columns!(), ") VALUES ($1, $2, $3, $4, $5)");
pub(crate) const INSERT_ENTRY: &str = "INSERT INTO session_feed \
     (position, kind, token_digest, session_id, subject, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(crate) const REMOVE_ENTRY: &str = "DELETE FROM session_feed WHERE position = $1";
/// A feed that has never had an entry has no row here.
pub(crate) const ENSURE_SEQUENCE: &str = "INSERT INTO sqlite_sequence (name, seq) SELECT 'session_feed', 0 \
     WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'session_feed')";
/// A position above all that either database has ever given out.
pub(crate) const RESERVE_POSITION: &str =
    "UPDATE sqlite_sequence SET seq = max(seq, $1) + 1 WHERE name = 'session_feed' RETURNING seq";

// Examining.
/// Whether there is a table of this name.
pub(crate) const HAS_TABLE: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1)";
pub(crate) const COLUMNS: &str = "SELECT name FROM pragma_table_info($1) ORDER BY cid";

// Backups.
/// Into a file that is not there or empty, from one snapshot.
pub(crate) const VACUUM_INTO: &str = "VACUUM INTO $1";
/// One row, `ok`, where all is well.
pub(crate) const INTEGRITY: &str = "PRAGMA integrity_check(1)";
/// A row for each reference to a row that is not there.
pub(crate) const FOREIGN_KEYS_BROKEN: &str = "PRAGMA foreign_key_check";
/// Busy where anybody else has the file open.
pub(crate) const NO_LOG: &str = "PRAGMA journal_mode = DELETE";
pub(crate) const BEGIN_ALONE: &str = "BEGIN EXCLUSIVE";

// What is measured.
pub(crate) const PURGE_MEASUREMENTS: &str = "DELETE FROM measurements WHERE (resolution, bucket, name) IN \
     (SELECT resolution, bucket, name FROM measurements \
     WHERE resolution = $1 AND (bucket < $2 OR bucket > $3) LIMIT $4)";
/// By five minutes.
pub(crate) const COUNT_ENDINGS: &str = "SELECT at / 300000 * 300000 AS bucket, reason, count(*) AS value FROM session_feed \
     WHERE kind = 'ended' AND at >= $1 AND at < $2 GROUP BY 1, 2";
pub(crate) const SAMPLE: &str = concat!(
    "SELECT count(*), coalesce(sum(",
    living_at!("$1"),
    "), 0), max(token_digest) FROM (SELECT token_digest, absolute_expires_at, idle_timeout, last_seen_at FROM sessions \
     ORDER BY token_digest LIMIT $2) AS first"
);

// What is counted of attempts to log in.
pub(crate) const COUNTER: &str =
    "SELECT key, failures, under_way, until_at, changed_at FROM attempt_counters WHERE key = $1";
pub(crate) const INSERT_COUNTER: &str =
    "INSERT INTO attempt_counters (failures, under_way, until_at, changed_at, key) VALUES ($1, $2, $3, $4, $5)";
pub(crate) const PURGE_COUNTERS: &str = "DELETE FROM attempt_counters WHERE key IN (SELECT key FROM attempt_counters \
     WHERE (failures = 0 AND under_way = 0 AND until_at <= $1) OR (changed_at < $2 AND failures < $3) LIMIT $4)";
/// Of those that are more than $1 a chunk of $2: the ones with the fewest failures (below $3), the oldest first.
pub(crate) const PURGE_COUNTERS_OVER: &str = concat!(
    "DELETE FROM attempt_counters WHERE key IN (SELECT key FROM attempt_counters \
     WHERE failures < $3 ORDER BY failures, changed_at LIMIT ",
    over!("attempt_counters", "$1", "$2"),
    ")"
);
