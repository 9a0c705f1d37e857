//! Why each key is as it is, and a value to begin with where the default is none: beside the table of keys, so that the
//! documentation, the example file and what a check says about it cannot disagree.

/// What is said of a key beyond its declaration.
pub(crate) struct Reason {
    /// Why the default is what it is, or when to set another value.
    pub(crate) why: &'static str,
    /// A value for the example file, as TOML, where the default is none or depends on the machine.
    pub(crate) sample: Option<&'static str>,
}

/// The reason of a key; a test sees to it that every key has one.
pub(crate) fn of(key: &str) -> Option<Reason> {
    REASONS.iter().find(|(name, ..)| *name == key).map(|(_, why, sample)| Reason { why, sample: *sample })
}

type Entry = (&'static str, &'static str, Option<&'static str>);

const REASONS: &[Entry] = &[
    ("listen", "Loopback, so that nobody else reaches it before there is https.", None),
    (
        "public_url",
        "Links, the cookie's prefix and the check of where a request comes from follow from it.",
        Some("\"https://login.example.org\""),
    ),
    ("language", "Whoever asks for neither is most likely to read English.", None),
    ("database.url", "A file needs no server; PostgreSQL is for several instances.", None),
    ("database.migrate", "A file is nobody else's; a server's tables change when its operator says so.", None),
    (
        "database.connections",
        "Logins, lists and the sweep are short; more connections make PostgreSQL slower, not faster.",
        None,
    ),
    ("database.lookup_connections", "Two to four statements share all lookups; the rest is for hiccups.", None),
    ("session.idle_timeout", "Long enough for a meeting; NIST's AAL2 recommends 1h.", None),
    ("session.absolute_timeout", "A copied cookie is worth a day at most; NIST's AAL2 recommends 24h.", None),
    ("session.keep_idle_timeout", "Somebody who comes every other week stays signed in.", None),
    ("session.keep_absolute_timeout", "NIST's AAL1 recommends 30 days at most.", None),
    (
        "session.touch_every",
        "A write a minute and session is cheap; seldom enough that reading is what is paid for.",
        None,
    ),
    ("session.recent", "Long enough for a few steps in a row, short enough that an open laptop is no way in.", None),
    ("session.max_per_subject", "More devices than anybody has; fewer rows than a script makes.", None),
    ("session.retention", "\"Your session has expired\" is more helpful than \"sign in\".", None),
    ("session.feed_retention", "A person's history, and how long an instance may be away and still catch up.", None),
    ("session.client_retention", "Personal data is kept no longer than it helps anybody.", None),
    ("session.client_address", "The whole address tells an operator most; a law or a promise may ask for less.", None),
    (
        "session.validation",
        "Strict has nothing to explain; leased is for when the database's time is what is short.",
        None,
    ),
    ("session.lease", "A second is shorter than anybody notices, and five polls long.", None),
    ("session.poll", "Four may be lost before the lease runs out.", None),
    ("session.cache", "20 MB, and enough for a hundred thousand people at once.", None),
    (
        "cookie.domain",
        "Every subdomain can then plant a cookie; set it only where applications share the login.",
        Some("\"example.org\""),
    ),
    ("cookie.insecure", "For a network that is protected otherwise, and for tests.", None),
    (
        "login.concurrency",
        "Hashing is the one thing that costs; more than there are processors only delays each.",
        Some("4"),
    ),
    ("login.network_failures", "An office behind one address has bad mornings; a botnet has more addresses.", None),
    (
        "password.breached_hashes",
        "The list of common passwords that is built in is short; a full one is 40 GB.",
        Some("\"/var/lib/cloakroom/breached.txt\""),
    ),
    ("proxy.trusted", "Whoever may say where a request comes from may say anything.", Some("[\"127.0.0.1\", \"::1\"]")),
    ("metrics.listen", "Counts are nobody's business but the operator's.", Some("\"127.0.0.1:9787\"")),
    (
        "traces.endpoint",
        "A trace says when somebody signs in and how long each step takes: it goes only where somebody wants it.",
        Some("\"http://127.0.0.1:4318/v1/traces\""),
    ),
    ("traces.sample", "All, so that the first look finds something; a busy site sees enough in a hundredth.", None),
    ("events.retention", "A month is how far back people ask; longer needs a reason that a person would accept.", None),
    ("stop.delay", "Balancers that ask every second or so see it in that time; systemd waits for 90 s.", None),
    ("stop.deadline", "Longer than any request of ours takes, shorter than a supervisor's patience.", None),
    ("log.format", "JSON is for whatever collects logs.", None),
    ("log.filter", "Debug tells every statement: for an hour, not for ever.", None),
];
