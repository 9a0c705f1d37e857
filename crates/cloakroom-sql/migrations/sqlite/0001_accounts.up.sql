-- The server's own accounts. An application with users of its own does not need this table.
CREATE TABLE accounts (
    subject             TEXT    NOT NULL PRIMARY KEY CHECK (length(CAST(subject AS BLOB)) BETWEEN 1 AND 255),
    login_name          TEXT    NOT NULL UNIQUE CHECK (length(CAST(login_name AS BLOB)) BETWEEN 1 AND 255),
    -- A PHC string: the algorithm and its parameters are in it.
    password_hash       TEXT    NOT NULL,
    role                TEXT    NOT NULL CHECK (role IN ('person', 'administrator')),
    created_at          INTEGER NOT NULL,
    password_changed_at INTEGER NOT NULL,
    disabled_at         INTEGER
) STRICT;
