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
