//! The statements that only PostgreSQL understands, or only it needs.
//!
//! Why and when sessions end is told to the triggers by settings of the transaction, set by the statement itself: so an
//! ending is one statement and one commit. Endings are durable whatever the role's `synchronous_commit` says.

use std::time::Duration;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::statements::{account_columns, living_at, over, service_token_columns, session_columns};

/// Everyone's lock: shared while a session is issued, exclusive while everybody's end. Advisory, because it is fair, and
/// because sharing a row's lock would write that row at every login. One key per set of tables, not per server.
macro_rules! everyone {
    () => {
        "(1668441456::bigint << 32) | 'session_subjects'::regclass::oid::bigint"
    };
}

/// Says in the transaction why ($1) and when ($2) sessions end, and that its commit waits for the disk.
macro_rules! told {
    () => {
        "(SELECT set_config('cloakroom.reason', $1, true), set_config('cloakroom.at', $2::timestamptz::text, true), \
         set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') \
         THEN 'on' ELSE current_setting('synchronous_commit') END, true)) AS told"
    };
}

/// In a window of a walk, below $1 and down to $2, and matching: created before $3, by method $4, with this piece in the user agent
/// ($5), from this network ($6, and the one it is when it is written as IPv6). What is NULL asks for nothing. IPv4 written as IPv6
/// lies in no network of IPv6, and a network that somebody wrote in place of an address is read as its address.
macro_rules! matching {
    () => {
        "FROM sessions WHERE id < $1 AND id >= $2 AND ($3::timestamptz IS NULL OR created_at < $3) \
         AND ($4::text IS NULL OR auth_method = $4) \
         AND ($5::text IS NULL OR strpos(lower(user_agent COLLATE \"C\"), $5) > 0) \
         AND ($6::text[] IS NULL OR (host(ip)::inet <<= ANY($6::inet[]) \
         AND (family(($6::inet[])[1]) = 4 OR NOT ip <<= '::ffff:0.0.0.0/96')))"
    };
}

/// The entries of the feed that [`FOLLOW`] names.
macro_rules! entries {
    ($which:literal) => {
        concat!(
            "SELECT NULL, NULL, NULL::boolean, NULL, NULL, NULL, kind, token_digest, session_id, reason, at \
             FROM session_feed WHERE (kind <> 'all_ended' OR subject = '') AND ",
            $which
        )
    };
}

// A connection.
/// What a connection is set to, whatever the role's defaults, and whether its server is a standby; in one round trip, and
/// not prepared, so that a pooler in between can be told from a server. Built of a number, never of anybody's text.
pub(crate) fn settings(more: &'static str, statement_max: Duration) -> SqlStr {
    let ms = statement_max.as_millis();
    AssertSqlSafe(format!(
        "SET idle_in_transaction_session_timeout = '30s'; SET default_transaction_isolation = 'read committed'; \
         SET DateStyle = 'ISO'; SET statement_timeout = {ms}; {more} SELECT pg_is_in_recovery()"
    ))
    .into_sql_str()
}
/// For lookups and polls: there is one good plan, whatever is asked for and whatever the statistics say. Planning it for each
/// statement costs as much as running it, or several times that.
pub(crate) const ONE_PLAN: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;";

// A transaction.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// Tells the triggers; for transactions of several statements.
pub(crate) const TELL: &str = concat!("SELECT 1 FROM ", told!());
pub(crate) const TELL_EXPIRED_BEFORE: &str =
    "SELECT set_config('cloakroom.expired_before', $1::timestamptz::text, true)";
/// Takes it back, before a statement of somebody else's in the same transaction could be recorded under it.
pub(crate) const FORGET: &str = "SELECT set_config('cloakroom.reason', '', true), \
     set_config('cloakroom.at', '', true), set_config('cloakroom.expired_before', '', true)";
/// What goes over many rows may take longer than a request may.
pub(crate) const NO_TIME_LIMIT: &str = "SET LOCAL statement_timeout = 0";

// Logging in.
pub(crate) const MOMENT: &str = "SELECT pg_current_snapshot()::text";
pub(crate) const SHARE_EVERYONE: &str =
    concat!("SELECT 1 FROM pg_advisory_xact_lock_shared(", everyone!(), "), ", told!());
pub(crate) const LOCK_EVERYONE: &str = concat!("SELECT 1 FROM pg_advisory_xact_lock(", everyone!(), ")");
pub(crate) const LOCK_SUBJECT: &str = "SELECT 1 FROM session_subjects WHERE subject = $1 FOR NO KEY UPDATE";
/// Only in a statement after the one that locked the subject: it needs the snapshot taken since (G4). What is not below
/// the next transaction id was restored from another server's dump and counts as past.
pub(crate) const DECIDE: &str = "SELECT EXISTS (SELECT 1 FROM session_subjects \
     WHERE (subject = $1 OR subject = '') AND all_ended_at IS NOT NULL \
     AND NOT pg_visible_in_snapshot(all_ended_at, $2::pg_snapshot) \
     AND all_ended_at < pg_snapshot_xmax(pg_current_snapshot())) AS overtaken, \
     (EXISTS (SELECT 1 FROM sessions WHERE token_digest = $3) OR EXISTS (SELECT 1 FROM sessions WHERE id = $4)) AS taken, \
     current_setting('transaction_isolation') = 'read committed' AS sees_latest";
/// What a login ends: the sessions it supersedes ($3), and the subject's oldest over the cap ($4 others may stay).
/// Locked in the order of their digests, as everywhere.
pub(crate) const DOOMED_BY_LOGIN: &str = concat!(
    "WITH over AS MATERIALIZED (SELECT token_digest FROM sessions WHERE subject = $1 AND token_digest <> ALL($3) AND ",
    living_at!("$2"),
    " ORDER BY created_at DESC, id DESC OFFSET $4) \
     SELECT token_digest FROM sessions WHERE token_digest = ANY($3) OR token_digest IN (SELECT token_digest FROM over) \
     ORDER BY token_digest FOR UPDATE"
);

// Sessions.
pub(crate) const FIND_SESSIONS: &str =
    concat!("SELECT token_digest, ", session_columns!(), " FROM sessions WHERE token_digest = ANY($1)");
/// Locks what is living in the order of the digests, then moves it forward. Never inserts.
pub(crate) const TOUCH: &str = concat!(
    "WITH used AS (SELECT * FROM unnest($1::bytea[], $2::timestamptz[]) AS used (digest, at)), \
     found AS MATERIALIZED (SELECT token_digest FROM sessions WHERE token_digest IN (SELECT digest FROM used) AND ",
    living_at!("$3"),
    " ORDER BY token_digest FOR NO KEY UPDATE) \
     UPDATE sessions SET last_seen_at = GREATEST(last_seen_at, used.at) FROM found JOIN used ON used.digest = found.token_digest \
     WHERE sessions.token_digest = found.token_digest RETURNING sessions.token_digest"
);

// Filters.
/// Of one subject ($3). Written so that only the index of subjects gives the order: with `subject = $3` the server may walk down the
/// index of ids instead, over everybody's, until it has found enough.
pub(crate) const LIST_SESSIONS_OF: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM sessions WHERE subject >= $3 AND (subject, id) < ($3, $1) ORDER BY subject DESC, id DESC LIMIT $2"
);
pub(crate) const MATCHING: &str =
    concat!("SELECT ", session_columns!(), " ", matching!(), " ORDER BY id DESC LIMIT $7");
pub(crate) const COUNT_MATCHING: &str = concat!("SELECT count(*) ", matching!(), " AND ", living_at!("$7"));
/// By their ids, because a token may have been replaced since; locked in the order of their digests, as everywhere.
pub(crate) const LOCK_IDS: &str =
    concat!("SELECT ", session_columns!(), " FROM sessions WHERE id = ANY($1) ORDER BY token_digest FOR UPDATE");
pub(crate) const END_IDS: &str = "DELETE FROM sessions WHERE id = ANY($1)";

// Ending.
pub(crate) const END_TOKEN: &str = concat!("DELETE FROM sessions USING ", told!(), " WHERE token_digest = $3");
pub(crate) const END_SESSION: &str = concat!("DELETE FROM sessions USING ", told!(), " WHERE id = $3");
pub(crate) const END_OWN_SESSION: &str =
    concat!("DELETE FROM sessions USING ", told!(), " WHERE id = $3 AND subject = $4");
pub(crate) const END_EACH: &str = "WITH doomed AS MATERIALIZED (SELECT token_digest FROM sessions \
     WHERE token_digest = ANY($1) ORDER BY token_digest FOR UPDATE) \
     DELETE FROM sessions WHERE token_digest IN (SELECT token_digest FROM doomed)";
pub(crate) const END_SUBJECT: &str = "WITH doomed AS MATERIALIZED (SELECT token_digest FROM sessions \
     WHERE subject = $1 AND token_digest IS DISTINCT FROM $2 ORDER BY token_digest FOR UPDATE) \
     DELETE FROM sessions WHERE token_digest IN (SELECT token_digest FROM doomed)";
/// Keeps writers out, so that deleting everything needs no sorting; readers go on.
pub(crate) const LOCK_SESSIONS: &str = "LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE";
pub(crate) const END_EVERYONE: &str = "DELETE FROM sessions";
pub(crate) const MARK_ALL_ENDED: &str = "INSERT INTO session_subjects (subject, all_ended_at) \
     VALUES ($1, pg_current_xact_id()) ON CONFLICT (subject) DO UPDATE SET all_ended_at = excluded.all_ended_at";
pub(crate) const APPEND_ALL_ENDED: &str =
    "INSERT INTO session_feed (kind, subject, reason, at) VALUES ('all_ended', $1, $2, $3)";

// The feed.
pub(crate) const ENDINGS_OF: &str = "SELECT DISTINCT ON (token_digest) token_digest, session_id, subject, reason, at \
     FROM session_feed WHERE token_digest = ANY($1) AND kind = 'ended' ORDER BY token_digest, position DESC";

/// Where hints are heard: one channel for every set of tables in the database.
pub(crate) const CHANNEL: &str = "cloakroom_feed";
/// Never within a transaction of ours: at its commit it would stand in line with every other one that hints.
pub(crate) const HINT: &str = "SELECT pg_notify('cloakroom_feed', '')";

/// What happened beyond a snapshot ($1 its xmax, $2 what was in progress), in one statement and so in one snapshot: a row that
/// says which, then the entries it sees and the other did not. All of one subject's are named one by one beside the entry
/// that says so. What is not below the next transaction id was restored from another server's dump.
///
/// The timeline is asked of the log, because the last checkpoint may be from before a promotion.
pub(crate) const FOLLOW: &str = concat!(
    "SELECT pg_current_snapshot()::text AS snapshot, \
     CASE WHEN NOT pg_is_in_recovery() THEN concat_ws('/', \
     (SELECT system_identifier FROM pg_control_system()), left(pg_walfile_name(pg_current_wal_lsn()), 8), \
     (SELECT oid FROM pg_database WHERE datname = current_database()), \
     to_regclass('sessions')::oid, to_regclass('session_feed')::oid) END AS continuity, \
     floor.only_row IS NOT NULL AS has_floor, floor.removed_to::text AS removed_to, floor.removed_by::text AS removed_by, \
     floor.emptied_by::text AS emptied_by, \
     NULL AS kind, NULL::bytea AS token_digest, NULL::uuid AS session_id, NULL AS reason, NULL::timestamptz AS at \
     FROM (VALUES (1)) AS here LEFT JOIN session_feed_floor AS floor ON floor.only_row = 1 UNION ALL (",
    entries!("xid >= $1::text::xid8 AND xid < pg_snapshot_xmax(pg_current_snapshot())"),
    " LIMIT $3) UNION ALL (",
    entries!("xid = ANY($2::text[]::xid8[])"),
    " LIMIT $3)"
);

// Purging.
/// One runner at a time, across instances.
pub(crate) const TRY_SWEEP: &str =
    "SELECT pg_try_advisory_xact_lock((1668441457::bigint << 32) | 'session_subjects'::regclass::oid::bigint)";
/// Those of them that are still expired. Never waits for anybody: what is locked is in use, and found again next time.
pub(crate) const END_EXPIRED: &str = "WITH doomed AS MATERIALIZED (SELECT token_digest FROM sessions \
     WHERE token_digest = ANY($2) AND (absolute_expires_at < $1 OR (idle_timeout IS NOT NULL AND last_seen_at + idle_timeout < $1)) \
     ORDER BY token_digest FOR UPDATE SKIP LOCKED) \
     DELETE FROM sessions WHERE token_digest IN (SELECT token_digest FROM doomed)";
/// A chunk of endings and one of what only told other instances. One statement: whoever removes entries takes the row of
/// `session_feed_floor` at its end, and must wait for no entry then. It says how many of each.
pub(crate) const PURGE_FEED: &str = "WITH gone AS (DELETE FROM session_feed WHERE position IN \
     ((SELECT position FROM session_feed WHERE kind = 'ended' AND at < $1 ORDER BY at LIMIT $2) UNION ALL \
     (SELECT position FROM session_feed WHERE kind <> 'ended' AND at < $1 ORDER BY at LIMIT $2)) RETURNING kind) \
     SELECT count(*) FILTER (WHERE kind = 'ended') AS endings, count(*) FILTER (WHERE kind <> 'ended') AS others FROM gone";
/// Waits for nobody either. Changes what is in no index, so it is as cheap as a touch.
pub(crate) const SCRUB: &str = "WITH old AS MATERIALIZED (SELECT token_digest FROM sessions WHERE id > $1 AND id <= $2 \
     AND created_at < $3 AND (user_agent IS NOT NULL OR ip IS NOT NULL) ORDER BY token_digest FOR NO KEY UPDATE SKIP LOCKED) \
     UPDATE sessions SET user_agent = NULL, ip = NULL WHERE token_digest IN (SELECT token_digest FROM old)";
pub(crate) const IS_ANY_OLD: &str = "SELECT EXISTS (SELECT 1 FROM session_feed WHERE at < $1)";

// Accounts.
/// The first account is the first for everybody.
pub(crate) const LOCK_ACCOUNTS: &str = "LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE";
/// In one order, so that two who change each other's accounts wait for each other and in no circle.
pub(crate) const LOCK_TWO_ACCOUNTS: &str =
    "SELECT 1 FROM accounts WHERE subject IN ($1, $2) ORDER BY subject FOR UPDATE";
pub(crate) const LOCK_PASSWORD_HASH: &str = "SELECT password_hash FROM accounts WHERE subject = $1 FOR NO KEY UPDATE";

// Metrics.
/// What the statistics say: no row is read.
pub(crate) const ESTIMATE_SESSIONS: &str =
    "SELECT n_live_tup FROM pg_stat_all_tables WHERE relid = to_regclass('sessions')";

// Readiness.
pub(crate) const TIME: &str = "SELECT clock_timestamp()";

// Examining.
pub(crate) const ROLE: &str = "SELECT rolname::text, rolsuper FROM pg_roles WHERE rolname = current_user";
/// NULL where there is no such table.
pub(crate) const HAS_RIGHT: &str = "SELECT has_table_privilege(to_regclass($1), $2)";
pub(crate) const COLUMNS: &str = "SELECT attname::text FROM pg_attribute \
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

// Opening.
pub(crate) const VERSION: &str = "SELECT current_setting('server_version_num')::int";
pub(crate) const BACKEND: &str = "SELECT pg_backend_pid()";
pub(crate) const HAS_TABLE: &str = "SELECT to_regclass($1) IS NOT NULL";
/// Of several instances that start together one migrates.
pub(crate) const LOCK_MIGRATION: &str =
    "SELECT 1 FROM pg_advisory_xact_lock((1668441458::bigint << 32) | current_schema()::regnamespace::oid::bigint)";

// Copying.
/// Which tables these are: of which server, database and schema, whatever the URL says.
pub(crate) const IDENTITY: &str = "SELECT concat_ws('/', 'postgres', system_identifier, \
     (SELECT oid FROM pg_database WHERE datname = current_database()), \
     coalesce((SELECT relnamespace FROM pg_class WHERE oid = to_regclass('session_subjects')), \
     current_schema()::regnamespace::oid)) FROM pg_control_system()";
/// The source is left alone while the target is written, for as long as that takes; but nobody is waited for that long.
pub(crate) const COPY_LIMITS: &str = "SELECT set_config('statement_timeout', '0', true), \
     set_config('idle_in_transaction_session_timeout', '0', true), set_config('lock_timeout', '5s', true), \
     set_config('synchronous_commit', 'on', true)";
/// Keep writers out, in the order in which writers lock; readers go on.
pub(crate) const FREEZE_ACCOUNTS: &str = "LOCK TABLE accounts, service_tokens IN SHARE MODE";
pub(crate) const FREEZE_SESSIONS: &str = "LOCK TABLE session_subjects, sessions, session_feed IN SHARE MODE";
pub(crate) const LOCK_SERVICE_TOKENS: &str = "LOCK TABLE service_tokens IN SHARE ROW EXCLUSIVE MODE";
pub(crate) const SEAL_SESSIONS: &str =
    "LOCK TABLE session_subjects, sessions, session_feed IN SHARE ROW EXCLUSIVE MODE";
pub(crate) const LAST_POSITION: &str = "SELECT coalesce(max(position), 0) FROM session_feed";
pub(crate) const MAKE_COPY_TABLE: &str = "CREATE TABLE cloakroom_copy (\
     only_row integer NOT NULL PRIMARY KEY CHECK (only_row = 1), source text NOT NULL, source_name text NOT NULL, \
     started_at timestamptz NOT NULL DEFAULT clock_timestamp(), run bigint NOT NULL)";
/// What the triggers write meanwhile lies above all that is copied and all that was ever given out here.
pub(crate) const RESERVE_POSITIONS: &str = "SELECT setval(feed.sequence, \
     greatest($1, coalesce(pg_sequence_last_value(feed.sequence), 0), \
     (SELECT coalesce(max(position), 0) FROM session_feed)) + 1) \
     FROM (SELECT pg_get_serial_sequence('session_feed', 'position')::regclass AS sequence) AS feed";
/// Holds the row until the chunk is committed, so that a later run waits for it.
pub(crate) const IS_OUR_RUN: &str = "SELECT 1 FROM cloakroom_copy WHERE run = $1 FOR UPDATE";
/// Dropped at the end, for which nobody may hold its row.
pub(crate) const LOCK_COPY: &str = "LOCK TABLE cloakroom_copy IN ACCESS EXCLUSIVE MODE";
pub(crate) const INSERT_SUBJECTS: &str = "INSERT INTO session_subjects (subject) SELECT * FROM unnest($1::text[])";
/// Beside `issue` the only one that inserts into `sessions`. Where no copy is under way it fails, for want of the table.
pub(crate) const INSERT_SESSIONS: &str = concat!(
    "INSERT INTO sessions (token_digest, ",
    session_columns!(),
    ") SELECT copied.* FROM cloakroom_copy, unnest($1::bytea[], $2::uuid[], $3::text[], $4::timestamptz[], \
     $5::timestamptz[], $6::timestamptz[], $7::interval[], $8::timestamptz[], $9::text[], $10::text[], $11::inet[]) AS copied"
);
pub(crate) const INSERT_ACCOUNTS: &str = concat!(
    "INSERT INTO accounts (",
    account_columns!(),
    ") SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], \
     $7::timestamptz[])"
);
pub(crate) const INSERT_SERVICE_TOKENS: &str = concat!(
    "INSERT INTO service_tokens (",
    service_token_columns!(),
    ") SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::timestamptz[], $5::timestamptz[])"
);
pub(crate) const INSERT_ENTRIES: &str = "INSERT INTO session_feed \
     (position, kind, token_digest, session_id, subject, reason, at) OVERRIDING SYSTEM VALUE \
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[])";
pub(crate) const REMOVE_SUBJECTS: &str = "DELETE FROM session_subjects WHERE subject = ANY($1)";
pub(crate) const REMOVE_ACCOUNTS: &str = "DELETE FROM accounts WHERE subject = ANY($1)";
pub(crate) const REMOVE_SERVICE_TOKENS: &str = "DELETE FROM service_tokens WHERE name = ANY($1)";
pub(crate) const REMOVE_ENTRIES: &str = "DELETE FROM session_feed WHERE position = ANY($1)";

// What is measured.
/// Materialized, as every chunk: a plan may run a subquery again for each row it compares, and skip other rows each time.
pub(crate) const PURGE_MEASUREMENTS: &str = "WITH old AS MATERIALIZED (SELECT resolution, bucket, name FROM measurements \
     WHERE resolution = $1 AND (bucket < $2 OR bucket > $3) LIMIT $4 FOR UPDATE SKIP LOCKED) \
     DELETE FROM measurements WHERE (resolution, bucket, name) IN (SELECT resolution, bucket, name FROM old)";
/// By five minutes.
pub(crate) const COUNT_ENDINGS: &str = "SELECT date_bin('5 minutes', at, timestamptz 'epoch') AS bucket, reason, \
     count(*) AS value FROM session_feed WHERE kind = 'ended' AND at >= $1 AND at < $2 GROUP BY 1, 2";
/// With the first eight bytes of the last digest, as a text that sorts like them.
pub(crate) const SAMPLE: &str = concat!(
    "SELECT count(*), count(*) FILTER (WHERE ",
    living_at!("$1"),
    "), max(encode(substring(token_digest FROM 1 FOR 8), 'hex') COLLATE \"C\") \
     FROM (SELECT token_digest, absolute_expires_at, idle_timeout, last_seen_at FROM sessions \
     ORDER BY token_digest LIMIT $2) AS first"
);

// What is counted of attempts to log in.
pub(crate) const LOCK_COUNTER: &str =
    "SELECT key, failures, under_way, until_at, changed_at FROM attempt_counters WHERE key = $1 FOR UPDATE";
/// Where there is no row to lock: makes one that says nothing, or locks the one that came to be in between.
pub(crate) const ENSURE_COUNTER: &str = "INSERT INTO attempt_counters AS counter \
     (key, failures, under_way, until_at, changed_at) VALUES ($1, 0, 0, $2, $2) \
     ON CONFLICT (key) DO UPDATE SET changed_at = counter.changed_at \
     RETURNING key, failures, under_way, until_at, changed_at";
/// What somebody holds is not forgotten.
pub(crate) const PURGE_COUNTERS: &str = "WITH old AS MATERIALIZED (SELECT key FROM attempt_counters \
     WHERE (failures = 0 AND under_way = 0 AND until_at <= $1) OR (changed_at < $2 AND failures < $3) \
     LIMIT $4 FOR UPDATE SKIP LOCKED) DELETE FROM attempt_counters WHERE key IN (SELECT key FROM old)";
/// Of those that are more than $1 a chunk of $2: the ones with the fewest failures (below $3), the oldest first.
pub(crate) const PURGE_COUNTERS_OVER: &str = concat!(
    "WITH over AS MATERIALIZED (SELECT key FROM attempt_counters WHERE failures < $3 ORDER BY failures, changed_at LIMIT ",
    over!("attempt_counters", "$1", "$2"),
    " FOR UPDATE SKIP LOCKED) DELETE FROM attempt_counters WHERE key IN (SELECT key FROM over)"
);
