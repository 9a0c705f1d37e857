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

-- What is counted of attempts to log in: one row for each login name, network or session under which some failed or are under way.
CREATE TABLE attempt_counters (
    -- SHA-256, so that nothing here says which names were typed.
    key bytea NOT NULL PRIMARY KEY CHECK (octet_length(key) = 32),
    failures bigint NOT NULL CHECK (failures BETWEEN 0 AND 4294967295),
    under_way bigint NOT NULL CHECK (under_way BETWEEN 0 AND 4294967295),
    -- Of a name or a session: before this, no attempt. Of a network: when its budget is whole again.
    until_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

-- What happened that security is about, for operators and for the person it is about.
CREATE TABLE security_events (
    -- A UUID version 7: sorts by when it happened.
    id uuid NOT NULL PRIMARY KEY,
    at timestamptz NOT NULL,
    -- A name of OWASP's logging vocabulary. Not checked: an older version may read what a newer one wrote.
    kind text NOT NULL,
    subject text COLLATE "C",
    session_id uuid,
    reason text CHECK (octet_length(reason) BETWEEN 1 AND 32),
    user_agent text,
    ip inet,
    request_id uuid
);

CREATE INDEX security_events_by_subject ON security_events (subject, id) WHERE subject IS NOT NULL;

-- Credentials of applications that call the service API.
CREATE TABLE service_tokens (
    name text COLLATE "C" NOT NULL PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 64),
    -- Derived from the secret, which is stored nowhere.
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    scope text NOT NULL CHECK (scope IN ('sessions', 'admin')),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);

-- What is measured over time, for charts. All instances share one row for each bucket and name; what is over its time is purged.
CREATE TABLE measurements (
    -- How long the bucket is, in seconds.
    resolution integer NOT NULL CHECK (resolution IN (300, 3600)),
    -- When it starts.
    bucket timestamptz NOT NULL,
    -- Not checked: an older version may read what a newer one wrote.
    name text COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 32),
    value bigint NOT NULL CHECK (value >= 0),
    PRIMARY KEY (resolution, bucket, name)
);
