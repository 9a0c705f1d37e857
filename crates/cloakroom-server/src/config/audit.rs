//! What is allowed and will hurt all the same: from a configuration and a few facts about files to findings. Reads nothing itself.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use cloakroom::Validation;
use cloakroom_core::client_address::Network;

use super::{Config, PublicUrl, keys, span};
use crate::message::Message;

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
    /// For programs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// For people.
    pub(crate) fn message(self) -> Message {
        Message::new(match self {
            Self::Note => "config-severity-note",
            Self::Warning => "config-severity-warning",
            Self::Error => "config-severity-error",
        })
    }
}

/// One thing that will hurt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// The key to change.
    pub(crate) key: &'static str,
    /// What about it.
    pub(crate) why: Message,
    /// What to do.
    pub(crate) advice: Message,
}

impl Finding {
    /// Which one it is, for programs: the same in every language and version.
    pub(crate) fn code(&self) -> &str {
        let key = self.why.key();
        key.strip_prefix("finding-").unwrap_or(key)
    }
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
    fn add(&mut self, severity: Severity, key: &'static str, why: Message, advice: &'static str) {
        self.0.push(Finding { severity, key, why, advice: Message::new(advice) });
    }
}

const fn is_local(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn transport(config: &Config, found: &mut Found) {
    if config.cookie.insecure {
        let why = Message::new("finding-cookie-over-http");
        found.add(Severity::Warning, keys::COOKIE_INSECURE.name, why, "advice-tls-in-front");
    }
    if let Some(url) = config.public_url.as_ref().filter(|url| !url.is_https() && !is_this_machine(url)) {
        let why = Message::new("finding-pages-over-http").value("url", url.as_str());
        found.add(Severity::Warning, keys::PUBLIC_URL.name, why, "advice-https");
    }
    if let Some(address) = config.metrics.filter(|address| !is_local(*address)) {
        let why = Message::new("finding-metrics-open").value("address", address.to_string());
        found.add(Severity::Warning, keys::METRICS_LISTEN.name, why, "advice-metrics");
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
            found.add(Severity::Warning, key, Message::new("finding-proxies-unsaid"), "advice-proxies-name");
        }
        (_, Some(proxies)) => {
            for network in proxies.networks().iter().filter(|network| is_wide(network)) {
                let why = Message::new("finding-proxies-wide").value("network", network.to_string());
                found.add(Severity::Warning, key, why, "advice-proxies-own");
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
    let lives = |key, span| Message::new(key).value("span", span::show(span));
    for (key, span) in [
        (keys::ABSOLUTE_TIMEOUT.name, policy.absolute_timeout),
        (keys::KEEP_ABSOLUTE_TIMEOUT.name, policy.keep_absolute_timeout),
    ] {
        if span > 30 * DAY {
            found.add(Severity::Warning, key, lives("finding-lives-long", span), "advice-aal1");
        }
    }
    if policy.absolute_timeout > DAY && policy.absolute_timeout <= 30 * DAY {
        let why = lives("finding-lives-long", policy.absolute_timeout);
        found.add(Severity::Note, keys::ABSOLUTE_TIMEOUT.name, why, "advice-aal2");
    }
    if policy.idle_timeout > Duration::from_hours(1) {
        let why = lives("finding-lives-unused", policy.idle_timeout);
        found.add(Severity::Note, keys::IDLE_TIMEOUT.name, why, "advice-aal2");
    }
}

fn leases(config: &Config, found: &mut Found) {
    let Validation::Leased(terms) = config.validation else { return };
    if terms.lease > Duration::from_secs(10) {
        let why = Message::new("finding-lease-long").value("span", span::show(terms.lease));
        found.add(Severity::Warning, keys::LEASE.name, why, "advice-lease");
    }
    if terms.poll > terms.lease / 3 {
        let why = Message::new("finding-polls-few").value("poll", span::show(terms.poll));
        let why = why.value("lease", span::show(terms.lease));
        found.add(Severity::Warning, keys::POLL.name, why, "advice-poll");
    }
}

fn retentions(config: &Config, found: &mut Found) {
    let policy = &config.policy;
    for (key, span, most, advice) in [
        (keys::RETENTION.name, policy.retention, 90, "advice-retention-sessions"),
        (keys::FEED_RETENTION.name, policy.feed_retention, 400, "advice-retention-feed"),
        (keys::CLIENT_RETENTION.name, policy.client_retention, 180, "advice-retention-personal"),
        (keys::EVENTS_RETENTION.name, config.events_retention, 400, "advice-retention-personal"),
    ] {
        if span > most * DAY {
            let why = Message::new("finding-retention-long").value("span", span::show(span));
            found.add(Severity::Warning, key, why, advice);
        }
    }
}

/// The mode of what every user of the machine may read.
fn read_by_others(path: &Path, facts: &dyn Facts) -> Option<u32> {
    facts.mode(path).filter(|mode| mode & 0o004 != 0)
}

fn about_mode(key: &'static str, mode: u32) -> Message {
    Message::new(key).value("mode", format!("{mode:04o}"))
}

fn password_file(path: &Path, facts: &dyn Facts, found: &mut Found) {
    if let Some(mode) = read_by_others(path, facts) {
        let why = about_mode("finding-password-readable", mode).value("path", path.display().to_string());
        found.add(Severity::Warning, keys::DATABASE_URL.name, why, "advice-mode-group");
    }
}

fn database(config: &Config, facts: &dyn Facts, found: &mut Found) {
    let key = keys::DATABASE_URL.name;
    let Some(file) = config.database.url.file() else {
        if config.database.url.is_remote_in_clear() {
            found.add(Severity::Warning, key, Message::new("finding-database-in-clear"), "advice-sslmode");
        }
        return;
    };
    let file = Path::new(&file);
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Some(mode) = read_by_others(file, facts) {
        if read_by_others(directory, facts).is_some() {
            let why = about_mode("finding-database-readable", mode);
            found.add(Severity::Warning, key, why, "advice-mode-database");
        } else {
            found.add(Severity::Note, key, about_mode("finding-database-mode", mode), "advice-mode-file");
        }
    }
    if facts.mode(directory).is_some_and(|mode| mode & 0o002 != 0 && mode & 0o1000 == 0) {
        let why = Message::new("finding-directory-writable").value("path", directory.display().to_string());
        found.add(Severity::Warning, key, why, "advice-mode-directory");
    }
    if let Some(kind) = facts.file_system(directory).filter(|kind| is_network(kind)) {
        let is_leased = matches!(config.validation, Validation::Leased(_));
        let severity = if is_leased { Severity::Error } else { Severity::Warning };
        let why = Message::new("finding-database-on-network").value("kind", kind);
        found.add(severity, key, why, "advice-local-disk");
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
