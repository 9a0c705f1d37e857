//! Every configuration key: type, default, range, and what it is for. What is allowed, which mistakes are answered with,
//! stands in the catalogue. `docs/configuration.md` is checked against both; a key that is not here does not exist.

pub(crate) mod stop;
pub(crate) mod traces;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cloakroom_core::client_address::TrustedProxies;
use cloakroom_core::coherence::LeaseTerms;
use cloakroom_core::policy::Policy;
use cloakroom_sql::OpenOptions;

use super::error::{ConfigError, Source};
use super::layers::Layers;
use super::types::{
    ClientAddress, CookieDomain, DatabaseUrl, FilePath, LogFilter, LogFormat, PublicUrl, Setting, Validation,
};
use crate::locale::Locale;
use crate::message::Message;

/// A key whose values are of type `T`.
pub(crate) struct Key<T> {
    /// Dotted, as in the file.
    pub(crate) name: &'static str,
    /// What it is when nobody sets it.
    pub(crate) default: fn() -> T,
    /// The default in words, where it is not a constant.
    pub(crate) default_text: Option<&'static str>,
    /// Whether a value of the right type is in range by itself. Ranges between keys are checked with all of them at hand.
    pub(crate) in_range: fn(&T) -> bool,
    /// What it is for, in one sentence.
    pub(crate) doc: &'static str,
}

/// A key, whatever its type: for the documentation and for showing what is in effect.
pub(crate) trait AnyKey: Sync {
    /// Dotted, as in the file.
    fn name(&self) -> &'static str;
    /// What the documentation says, in Markdown: type, default, doc.
    fn documented(&self) -> [String; 3];
    /// The default as TOML, if there is one.
    fn default_shown(&self) -> Option<String>;
    /// Whether it may hold a secret, and so may stand in a file of its own.
    #[cfg(test)]
    fn is_secret(&self) -> bool;
    /// The effective value as TOML (`None`: not set), and who set it.
    fn effective(&self, layers: &Layers) -> Result<(Option<String>, Source), ConfigError>;
}

impl<T: Setting> AnyKey for Key<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn documented(&self) -> [String; 3] {
        let shown = || (self.default)().show().map_or_else(|| "not set".to_owned(), |shown| format!("`{shown}`"));
        let default = self.default_text.map_or_else(shown, str::to_owned);
        [T::TYPE.to_owned(), default, self.doc.to_owned()]
    }

    fn default_shown(&self) -> Option<String> {
        (self.default)().show()
    }

    #[cfg(test)]
    fn is_secret(&self) -> bool {
        T::SECRET
    }

    fn effective(&self, layers: &Layers) -> Result<(Option<String>, Source), ConfigError> {
        Ok((layers.value(self)?.show(), layers.source(self.name)))
    }
}

/// What is allowed as the value of a key of this name.
pub(crate) fn allowed(name: &str) -> Message {
    let key = format!("config-allowed-{}", name.replace('.', "-")); // no key of the catalogue has a dot
    Message::new(key)
}

const fn any<T>(_: &T) -> bool {
    true
}

/// The key's declaration with everything that most keys have in common.
const fn key<T>(name: &'static str, default: fn() -> T, doc: &'static str) -> Key<T> {
    Key { name, default, default_text: None, in_range: any::<T>, doc }
}

pub(crate) static LISTEN: Key<SocketAddr> =
    key("listen", || SocketAddr::from((Ipv4Addr::LOCALHOST, 8787)), "Where `serve` listens.");

pub(crate) static PUBLIC_URL: Key<Option<PublicUrl>> = key(
    "public_url",
    || None,
    "The origin under which browsers reach the server, when a proxy stands in front of it. With https, cookies are `Secure`.",
);

pub(crate) static DATABASE_URL: Key<DatabaseUrl> = key(
    "database.url",
    DatabaseUrl::default_file,
    "The database. A relative path starts in the working directory. Never shown whole: it may hold a password.",
);

pub(crate) static DATABASE_MIGRATE: Key<bool> = Key {
    default_text: Some("`true` for SQLite, `false` for PostgreSQL"),
    ..key(
        "database.migrate",
        || true,
        "Whether `serve`, `account` and `session` apply missing migrations by themselves.",
    )
};

pub(crate) static DATABASE_CONNECTIONS: Key<u32> = Key {
    in_range: |number| (1..=256).contains(number),
    ..key(
        "database.connections",
        || OpenOptions::default().connections_max,
        "PostgreSQL: how many connections this instance has for everything but lookups; opened when needed.",
    )
};

pub(crate) static DATABASE_LOOKUP_CONNECTIONS: Key<u32> = Key {
    in_range: |number| (1..=32).contains(number),
    ..key(
        "database.lookup_connections",
        || OpenOptions::default().lookup_connections,
        "PostgreSQL: how many connections this instance has for looking sessions up, and one more for their endings; opened when needed.",
    )
};

pub(crate) static IDLE_TIMEOUT: Key<Duration> = Key {
    default_text: Some("`\"2h\"`, or `session.absolute_timeout` if that is shorter"),
    ..key("session.idle_timeout", || Policy::default().idle_timeout, "Unused for this long, a session ends.")
};

pub(crate) static ABSOLUTE_TIMEOUT: Key<Duration> = key(
    "session.absolute_timeout",
    || Policy::default().absolute_timeout,
    "This long after its login a session ends, however much it is used.",
);

pub(crate) static KEEP_IDLE_TIMEOUT: Key<Duration> = Key {
    default_text: Some("`\"14d\"`, or `session.keep_absolute_timeout` if that is shorter"),
    ..key(
        "session.keep_idle_timeout",
        || Policy::default().keep_idle_timeout,
        "The idle timeout of a session whose owner asked to be kept signed in.",
    )
};

pub(crate) static KEEP_ABSOLUTE_TIMEOUT: Key<Duration> = Key {
    default_text: Some("`\"30d\"`, or `session.absolute_timeout` if that is longer"),
    ..key(
        "session.keep_absolute_timeout",
        || Policy::default().keep_absolute_timeout,
        "The absolute timeout of a session whose owner asked to be kept signed in.",
    )
};

pub(crate) static TOUCH_EVERY: Key<Duration> = key(
    "session.touch_every",
    || Policy::default().touch_every,
    "A use is recorded at most this often per session, and at least twenty times per idle timeout.",
);

pub(crate) static RECENT: Key<Duration> = key(
    "session.recent",
    || Policy::default().recent,
    "How long after its authentication a session counts as recent; older ones confirm before a sensitive step.",
);

pub(crate) static MAX_PER_SUBJECT: Key<u32> = key(
    "session.max_per_subject",
    || Policy::default().max_per_subject,
    "How many sessions a subject may have at once; at one more, the oldest ends.",
);

pub(crate) static RETENTION: Key<Duration> = key(
    "session.retention",
    || Policy::default().retention,
    "How long a session that expired stays in its table, so that its owner can be told why.",
);

pub(crate) static FEED_RETENTION: Key<Duration> = key(
    "session.feed_retention",
    || Policy::default().feed_retention,
    "How long endings are remembered: the history a person sees.",
);

pub(crate) static CLIENT_RETENTION: Key<Duration> = key(
    "session.client_retention",
    || Policy::default().client_retention,
    "How long after its login a session remembers the client's address and browser, which are personal data.",
);

pub(crate) static CLIENT_ADDRESS: Key<ClientAddress> = key(
    "session.client_address",
    || ClientAddress::Full,
    "How much of the client's address sessions and security events remember: truncated keeps the first 24 bits of an IPv4 address and the first 48 of an IPv6 one.",
);

pub(crate) static VALIDATION: Key<Validation> = key(
    "session.validation",
    || Validation::Strict,
    "How a request makes sure of its session: strict asks the database every time; leased answers from memory, at most `session.lease` behind the database.",
);

pub(crate) static LEASE: Key<Duration> = key(
    "session.lease",
    || LeaseTerms::default().lease,
    "Leased validation: a session that ended is refused on every instance at the latest this long after.",
);

pub(crate) static POLL: Key<Duration> = Key {
    default_text: Some("`\"200ms\"`, or a fifth of `session.lease` if that is shorter"),
    ..key(
        "session.poll",
        || LeaseTerms::default().poll,
        "Leased validation: how often an instance asks the database what ended, which renews its lease.",
    )
};

pub(crate) static CACHE: Key<u32> = key(
    "session.cache",
    || LeaseTerms::default().capacity,
    "Leased validation: how many sessions an instance keeps in memory, at 200 bytes each or less.",
);

pub(crate) static COOKIE_DOMAIN: Key<Option<CookieDomain>> = key(
    "cookie.domain",
    || None,
    "Shares the cookie with every subdomain of this domain. Without it the cookie stays with one host, which is safer.",
);

pub(crate) static COOKIE_INSECURE: Key<bool> = key(
    "cookie.insecure",
    || false,
    "Permits the cookie over plain http on a listener that is not loopback: whoever can read the network can take over sessions.",
);

pub(crate) static LOGIN_CONCURRENCY: Key<u32> = Key {
    default_text: Some("the number of processors, at most 64"),
    in_range: |number| (1..=64).contains(number),
    ..key(
        "login.concurrency",
        || {
            let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            u32::try_from(processors).unwrap_or(64).min(64)
        },
        "How many passwords are hashed at once; each takes a processor and 19 MiB for a moment.",
    )
};

pub(crate) static NETWORK_FAILURES: Key<u32> = Key {
    in_range: |number| (1..=1_000_000).contains(number),
    ..key(
        "login.network_failures",
        || 100,
        "How many attempts to log in may fail at once from one network (an IPv4 address, an IPv6 /64); one more every 10 s.",
    )
};

pub(crate) static BREACHED_HASHES: Key<Option<FilePath>> = key(
    "password.breached_hashes",
    || None,
    "Passwords that were stolen somewhere: none in this file can be set. A relative path starts in the working directory.",
);

pub(crate) static PROXY_TRUSTED: Key<Option<TrustedProxies>> = key(
    "proxy.trusted",
    || None,
    "The proxies in front, whose `X-Forwarded-For` says where a request comes from; anybody else's is ignored.",
);

pub(crate) static LANGUAGE: Key<Locale> = key(
    "language",
    || Locale::English,
    "The language of pages and errors for whoever neither chose one nor has a browser that asks for one of these.",
);

pub(crate) static METRICS_LISTEN: Key<Option<SocketAddr>> =
    key("metrics.listen", || None, "Where `GET /metrics` is answered, apart from everything else. Not set: nowhere.");

pub(crate) static EVENTS_RETENTION: Key<Duration> = Key {
    in_range: |span| (Duration::from_hours(1)..=Duration::from_hours(4_000 * 24)).contains(span),
    ..key(
        "events.retention",
        || Duration::from_hours(30 * 24),
        "How long security events are remembered, with the client's address and browser; at most a million of them.",
    )
};

pub(crate) static LOG_FORMAT: Key<LogFormat> =
    key("log.format", || LogFormat::Auto, "How a line of the log looks: auto is text on a terminal, JSON otherwise.");

pub(crate) static LOG_FILTER: Key<LogFilter> =
    key("log.filter", LogFilter::info, "Which events are logged. Libraries never log below info, whatever it says.");

/// Every key, in the order they are shown.
pub(crate) static ALL: &[&dyn AnyKey] = &[
    &LISTEN,
    &PUBLIC_URL,
    &LANGUAGE,
    &DATABASE_URL,
    &DATABASE_MIGRATE,
    &DATABASE_CONNECTIONS,
    &DATABASE_LOOKUP_CONNECTIONS,
    &IDLE_TIMEOUT,
    &ABSOLUTE_TIMEOUT,
    &KEEP_IDLE_TIMEOUT,
    &KEEP_ABSOLUTE_TIMEOUT,
    &TOUCH_EVERY,
    &RECENT,
    &MAX_PER_SUBJECT,
    &RETENTION,
    &FEED_RETENTION,
    &CLIENT_RETENTION,
    &CLIENT_ADDRESS,
    &VALIDATION,
    &LEASE,
    &POLL,
    &CACHE,
    &COOKIE_DOMAIN,
    &COOKIE_INSECURE,
    &LOGIN_CONCURRENCY,
    &NETWORK_FAILURES,
    &BREACHED_HASHES,
    &PROXY_TRUSTED,
    &METRICS_LISTEN,
    &traces::ENDPOINT,
    &traces::SAMPLE,
    &EVENTS_RETENTION,
    &stop::DELAY,
    &stop::DEADLINE,
    &LOG_FORMAT,
    &LOG_FILTER,
];

mod names;

pub(crate) use names::names;
pub(super) use names::{declared, is_section, nearest, nearest_section};

#[cfg(test)]
mod tests;
