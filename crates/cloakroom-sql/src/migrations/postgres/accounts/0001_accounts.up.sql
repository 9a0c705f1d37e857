-- The server's own accounts. An application that keeps its users itself does not need this table.
CREATE TABLE accounts (
    -- The subject of the account's sessions. No foreign key: a subject outlives its account, and is never reused.
    subject text COLLATE "C" NOT NULL PRIMARY KEY CHECK (octet_length(subject) BETWEEN 1 AND 255),
    login_name text COLLATE "C" NOT NULL UNIQUE CHECK (octet_length(login_name) BETWEEN 1 AND 255),
    password_hash text NOT NULL CHECK (octet_length(password_hash) <= 512),
    role text NOT NULL CHECK (role IN ('person', 'administrator')),
    created_at timestamptz NOT NULL,
    password_changed_at timestamptz NOT NULL,
    disabled_at timestamptz
);
