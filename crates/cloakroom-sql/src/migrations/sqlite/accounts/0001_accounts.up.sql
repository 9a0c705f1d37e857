-- The server's own accounts. An application that keeps its users itself does not need this table.
CREATE TABLE accounts (
    -- The subject of the account's sessions. No foreign key: a subject outlives its account, and is never reused.
    subject TEXT NOT NULL PRIMARY KEY,
    login_name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('person', 'administrator')),
    created_at INTEGER NOT NULL,
    password_changed_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

-- What is counted of attempts to log in: one row for each login name, network or session under which some failed or are under way.
CREATE TABLE attempt_counters (
    -- SHA-256, so that nothing here says which names were typed.
    key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND 4294967295),
    under_way INTEGER NOT NULL CHECK (under_way BETWEEN 0 AND 4294967295),
    -- Of a name or a session: before this, no attempt. Of a network: when its budget is whole again.
    until_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What happened that security is about, for operators and for the person it is about.
CREATE TABLE security_events (
    -- A UUID version 7: sorts by when it happened.
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    at INTEGER NOT NULL,
    -- A name of OWASP's logging vocabulary. Not checked: an older version may read what a newer one wrote.
    kind TEXT NOT NULL,
    subject TEXT,
    session_id TEXT CHECK (length(session_id) = 36),
    reason TEXT CHECK (length(reason) BETWEEN 1 AND 32),
    user_agent TEXT,
    ip TEXT,
    request_id TEXT CHECK (length(request_id) = 36)
) STRICT, WITHOUT ROWID;

CREATE INDEX security_events_by_subject ON security_events (subject, id) WHERE subject IS NOT NULL;

-- Credentials of applications that call the service API.
CREATE TABLE service_tokens (
    name TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
    -- Derived from the secret, which is stored nowhere.
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    scope TEXT NOT NULL CHECK (scope IN ('sessions', 'admin')),
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

-- What is measured over time, for charts. All instances share one row for each bucket and name; what is over its time is purged.
CREATE TABLE measurements (
    -- How long the bucket is, in seconds.
    resolution INTEGER NOT NULL CHECK (resolution IN (300, 3600)),
    -- When it starts.
    bucket INTEGER NOT NULL,
    -- Not checked: an older version may read what a newer one wrote.
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 32),
    value INTEGER NOT NULL CHECK (value >= 0),
    PRIMARY KEY (resolution, bucket, name)
) STRICT, WITHOUT ROWID;
