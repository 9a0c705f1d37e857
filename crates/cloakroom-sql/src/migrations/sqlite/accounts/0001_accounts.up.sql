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
