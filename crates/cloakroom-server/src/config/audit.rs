//! What is allowed and will hurt all the same: from a configuration and a few facts about files to findings. Reads nothing itself.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use cloakroom::Validation;
use cloakroom_core::client_address::Network;

use super::{Config, PublicUrl, keys, span};

const DAY: Duration = Duration::from_hours(24);

/// How much it hurts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Good to know: a standard asks for more than is promised.
    Note,
    /// Somebody will regret it, unless it is meant.
    Warning,
    /// It does not work, or not safely.
    Error,
}

impl Severity {
    /// For people and programs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that will hurt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// The key to change.
    pub(crate) key: &'static str,
    /// What about it.
    pub(crate) why: String,
    /// What to do.
    pub(crate) advice: &'static str,
}

/// What there is to know about files.
pub(crate) trait Facts {
    /// Permissions, as in `chmod`; `None` where there is no such file, or nobody can tell.
    fn mode(&self, path: &Path) -> Option<u32>;
    /// The kind of the file system it is on, such as `ext4`.
    fn file_system(&self, path: &Path) -> Option<String>;
}

/// Everything that will hurt, worst first. `written_in` is the file in which the database's URL stands.
pub(crate) fn audit(config: &Config, written_in: Option<&Path>, facts: &dyn Facts) -> Vec<Finding> {
    let mut found = Found(Vec::new());
    transport(config, &mut found);
    proxies(config, &mut found);
    timeouts(config, &mut found);
    leases(config, &mut found);
    retentions(config, &mut found);
    if let Some(path) = written_in.filter(|_| config.database.url.password().is_some()) {
        password_file(path, facts, &mut found);
    }
    database(config, facts, &mut found);
    let mut findings = found.0;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, severity: Severity, key: &'static str, why: String, advice: &'static str) {
        self.0.push(Finding { severity, key, why, advice });
    }
}

const fn is_local(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn transport(config: &Config, found: &mut Found) {
    if config.cookie.insecure {
        let why = "the cookie may travel over plain http: whoever reads the network takes over sessions".to_owned();
        found.add(
            Severity::Warning,
            keys::COOKIE_INSECURE.name,
            why,
            "put a proxy with TLS in front and set public_url to its https:// origin",
        );
    }
    if let Some(url) = config.public_url.as_ref().filter(|url| !url.is_https() && !is_this_machine(url)) {
        let why = format!("browsers reach {} over plain http", url.as_str());
        found.add(Severity::Warning, keys::PUBLIC_URL.name, why, "use https");
    }
    if let Some(address) = config.metrics.filter(|address| !is_local(*address)) {
        let why = format!("metrics are shown to whoever reaches {address}, without a login");
        found.add(
            Severity::Warning,
            keys::METRICS_LISTEN.name,
            why,
            "listen on 127.0.0.1, or let a firewall admit the collector only",
        );
    }
}

fn is_this_machine(url: &PublicUrl) -> bool {
    let host = url.host().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn proxies(config: &Config, found: &mut Found) {
    let key = keys::PROXY_TRUSTED.name;
    match (&config.public_url, &config.proxies) {
        (Some(_), None) => {
            let why = "not set, although public_url says that a proxy may stand in front: all people seem to be one"
                .to_owned();
            found.add(Severity::Warning, key, why, "name the proxy's address, or set it to [] if there is none");
        }
        (_, Some(proxies)) => {
            for network in proxies.networks().iter().filter(|network| is_wide(network)) {
                let why = format!(
                    "{network} trusts more machines than anybody has proxies: each may say where a request comes from"
                );
                found.add(Severity::Warning, key, why, "name the proxies' own addresses");
            }
        }
        (None, None) => {}
    }
}

/// More than a /8 of IPv4 or a /32 of IPv6; of addresses that are anybody's, more than a /16 or a /48.
fn is_wide(network: &Network) -> bool {
    let text = network.to_string();
    let Some((address, bits)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(bits)) = (address.parse::<IpAddr>(), bits.parse::<u8>()) else { return false };
    let least = match address {
        IpAddr::V4(v4) if v4.is_private() || v4.is_loopback() => 8,
        IpAddr::V4(_) => 16,
        IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => 32,
        IpAddr::V6(_) => 48,
    };
    bits < least
}

fn timeouts(config: &Config, found: &mut Found) {
    let policy = &config.policy;
    let aal1 = "NIST SP 800-63B-4 recommends at most 30d even at AAL1; shorten it, or write down why not";
    for (key, span) in [
        (keys::ABSOLUTE_TIMEOUT.name, policy.absolute_timeout),
        (keys::KEEP_ABSOLUTE_TIMEOUT.name, policy.keep_absolute_timeout),
    ] {
        if span > 30 * DAY {
            found.add(Severity::Warning, key, format!("a session lives for {}", span::show(span)), aal1);
        }
    }
    let aal2 = "NIST SP 800-63B-4 recommends 24h in all and 1h of inactivity at AAL2; shorten it where that is wanted";
    if policy.absolute_timeout > DAY && policy.absolute_timeout <= 30 * DAY {
        let why = format!("a session lives for {}", span::show(policy.absolute_timeout));
        found.add(Severity::Note, keys::ABSOLUTE_TIMEOUT.name, why, aal2);
    }
    if policy.idle_timeout > Duration::from_hours(1) {
        let why = format!("a session lives unused for {}", span::show(policy.idle_timeout));
        found.add(Severity::Note, keys::IDLE_TIMEOUT.name, why, aal2);
    }
}

fn leases(config: &Config, found: &mut Found) {
    let Validation::Leased(terms) = config.validation else { return };
    if terms.lease > Duration::from_secs(10) {
        let why = format!("somebody who logged out is served for up to {}", span::show(terms.lease));
        found.add(Severity::Warning, keys::LEASE.name, why, "shorten it to a few seconds");
    }
    if terms.poll > terms.lease / 3 {
        let why = format!(
            "polled every {}, a lease of {} runs out with the second poll that is late",
            span::show(terms.poll),
            span::show(terms.lease)
        );
        found.add(Severity::Warning, keys::POLL.name, why, "poll five times in a lease");
    }
}

fn retentions(config: &Config, found: &mut Found) {
    let policy = &config.policy;
    let personal = "keep personal data no longer than it helps anybody: 30d is the default";
    for (key, span, most, advice) in [
        (
            keys::RETENTION.name,
            policy.retention,
            90,
            "who comes back after that long needs no reason; 1d is the default",
        ),
        (keys::FEED_RETENTION.name, policy.feed_retention, 400, "the table grows with every login; 30d is the default"),
        (keys::CLIENT_RETENTION.name, policy.client_retention, 180, personal),
        (keys::EVENTS_RETENTION.name, config.events_retention, 400, personal),
    ] {
        if span > most * DAY {
            found.add(Severity::Warning, key, format!("{} is longer than makes sense", span::show(span)), advice);
        }
    }
}

/// The mode of what every user of the machine may read.
fn read_by_others(path: &Path, facts: &dyn Facts) -> Option<u32> {
    facts.mode(path).filter(|mode| mode & 0o004 != 0)
}

fn password_file(path: &Path, facts: &dyn Facts, found: &mut Found) {
    if let Some(mode) = read_by_others(path, facts) {
        let why = format!("every user of this machine can read the password in {} (mode {mode:04o})", path.display());
        let advice = "chmod 0600, or 0640 with the group of the service";
        found.add(Severity::Warning, keys::DATABASE_URL.name, why, advice);
    }
}

fn database(config: &Config, facts: &dyn Facts, found: &mut Found) {
    let key = keys::DATABASE_URL.name;
    let Some(file) = config.database.url.file() else {
        if config.database.url.is_remote_in_clear() {
            let why = "nothing in the URL keeps the connection from being read or redirected on the way".to_owned();
            found.add(Severity::Warning, key, why, "add ?sslmode=verify-full to it");
        }
        return;
    };
    let file = Path::new(&file);
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Some(mode) = read_by_others(file, facts) {
        let (why, advice) = if read_by_others(directory, facts).is_some() {
            (
                format!(
                    "every user of this machine can read password hashes and personal data in it (mode {mode:04o})"
                ),
                "chmod 0600 the file and 0700 its directory",
            )
        } else {
            (format!("its mode is {mode:04o}; only its directory keeps others out"), "chmod 0600 the file")
        };
        let severity = if read_by_others(directory, facts).is_some() { Severity::Warning } else { Severity::Note };
        found.add(severity, key, why, advice);
    }
    if facts.mode(directory).is_some_and(|mode| mode & 0o002 != 0 && mode & 0o1000 == 0) {
        let why = format!("every user of this machine can put another file in its place in {}", directory.display());
        found.add(Severity::Warning, key, why, "chmod 0700 the directory");
    }
    if let Some(kind) = facts.file_system(directory).filter(|kind| is_network(kind)) {
        let is_leased = matches!(config.validation, Validation::Leased(_));
        let severity = if is_leased { Severity::Error } else { Severity::Warning };
        let why =
            format!("the file is on a network ({kind}), where SQLite's log is not shared and its locks may not hold");
        found.add(severity, key, why, "use a local disk, or PostgreSQL for several machines");
    }
}

fn is_network(kind: &str) -> bool {
    matches!(
        kind,
        "nfs"
            | "nfs4"
            | "cifs"
            | "smb3"
            | "smbfs"
            | "9p"
            | "ceph"
            | "afs"
            | "ncpfs"
            | "lustre"
            | "beegfs"
            | "glusterfs"
    ) || matches!(kind.strip_prefix("fuse."), Some("sshfs" | "glusterfs" | "s3fs" | "rclone" | "davfs" | "cephfs"))
}
