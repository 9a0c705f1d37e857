//! Which address a request comes from, where proxies stand in front, and how much of it is kept. No headers by name: whoever
//! knows the protocol hands in what it found.

use std::fmt;
use std::net::IpAddr;
use std::str::{FromStr, from_utf8};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Most addresses of forwarding lines that are read, from the right: more proxies than anybody chains.
pub const HOPS_MAX: usize = 32;
/// Most networks that can be trusted.
pub const TRUSTED_MAX: usize = 256;

/// The part of an IPv4 address that stays when it is truncated: all but the last byte.
const KEPT_BITS_V4: u8 = 24;
/// The part of an IPv6 address that stays when it is truncated: what a provider routes to one site (RFC 6177).
const KEPT_BITS_V6: u8 = 48;
/// The part of an IPv6 address that names one network, whose other half its devices choose themselves (RFC 4291 section 2.5.1).
const NETWORK_BITS_V6: u8 = 64;

/// A network of addresses: `10.0.0.0/8`, `fd00::/8`, or one address alone.
///
/// ```
/// use cloakroom_core::client_address::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// assert!(network.contains("::ffff:10.1.2.3".parse()?), "IPv4 in the clothes of IPv6 is IPv4");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpNet);

impl Network {
    /// Whether an address is within.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Its first address, and how many bits its addresses share with that one.
    pub fn parts(&self) -> (IpAddr, u8) {
        (self.0.addr(), self.0.prefix_len())
    }

    /// The network that one client has at its command: an IPv4 address alone, an IPv6 one with all that share its first 64 bits.
    pub fn of_client(address: IpAddr) -> Self {
        Self(cut(address, u8::MAX, NETWORK_BITS_V6))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => text.parse::<IpNet>().map_err(|_| NotANetwork)?,
        };
        let is_mapped = |net: Ipv6Net| net.addr().to_ipv4_mapped().is_some();
        let is_clear = match network {
            IpNet::V4(_) => true,
            IpNet::V6(net) => !is_mapped(net), // ::ffff:10.0.0.0/104 is 10.0.0.0/8, and is to be written so
        };
        (is_clear && network.trunc() == network).then_some(Self(network)).ok_or(NotANetwork)
    }
}

/// The text names no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a network: expected an address, or the first one of a network and its length, such as 10.0.0.0/8 or fd00::/8"
)]
pub struct NotANetwork;

/// The proxies whose word counts on where a request comes from.
///
/// Each proxy writes the address it was connected from at the end of `X-Forwarded-For`; whatever stood there before, a client
/// may have written. So the list is read from the right, and the first address that is no trusted proxy's is the client's.
///
/// ```
/// use cloakroom_core::client_address::TrustedProxies;
///
/// let proxies = TrustedProxies::new(["10.0.0.0/8".parse()?])?;
/// let said = [&b"1.1.1.1, 203.0.113.7, 10.0.0.2"[..]];
/// assert_eq!(proxies.client("10.0.0.1".parse()?, said.into_iter()), "203.0.113.7".parse::<std::net::IpAddr>()?);
/// assert_eq!(proxies.client("198.51.100.9".parse()?, said.into_iter()), "198.51.100.9".parse::<std::net::IpAddr>()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Box<[Network]>);

impl TrustedProxies {
    /// Trusts these networks: at most 256, and none that is all of the Internet.
    ///
    /// # Errors
    /// When there are more, or one has no bits: whoever connects could then say any address.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Result<Self, NotTrustable> {
        let networks: Box<[Network]> = networks.into_iter().take(TRUSTED_MAX + 1).collect();
        if networks.len() > TRUSTED_MAX {
            return Err(NotTrustable::TooMany);
        }
        match networks.iter().find(|network| network.0.prefix_len() == 0) {
            Some(_) => Err(NotTrustable::Everybody),
            None => Ok(Self(networks)),
        }
    }

    /// The networks, as they were given.
    pub fn networks(&self) -> &[Network] {
        &self.0
    }

    /// Whether an address is a trusted proxy's.
    pub fn is_trusted(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Where a request comes from: `peer` is who is connected, `forwarded` the values of `X-Forwarded-For` in their order.
    ///
    /// Where a trusted proxy's list ends, or says something that is no address, the last proxy known is the answer. Ports are
    /// passed over. At most [`HOPS_MAX`] addresses are read.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a [u8]>) -> IpAddr {
        let mut client = peer.to_canonical();
        let mut hops = forwarded.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')).take(HOPS_MAX);
        while self.is_trusted(client) {
            let Some(hop) = hops.next().and_then(address_of) else {
                break;
            };
            client = hop;
        }
        client
    }
}

/// Networks that cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTrustable {
    /// More than [`TRUSTED_MAX`].
    #[error("more than {TRUSTED_MAX} networks of trusted proxies")]
    TooMany,
    /// A network without bits.
    #[error("a network of length 0 would trust everybody's word on their own address; name the proxies' addresses")]
    Everybody,
}

/// One address of a forwarding line, with or without a port, an IPv6 one with or without brackets.
fn address_of(hop: &[u8]) -> Option<IpAddr> {
    let text = from_utf8(hop.trim_ascii()).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::from);
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// The network of the first bits of an address.
fn cut(address: IpAddr, bits_v4: u8, bits_v6: u8) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(v4) => Ipv4Net::new_assert(v4, bits_v4.min(32)).trunc().into(),
        IpAddr::V6(v6) => Ipv6Net::new_assert(v6, bits_v6.min(128)).trunc().into(),
    }
}

/// How much of a client's address is kept with a session: it is personal data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressKept {
    /// All of it.
    #[default]
    Full,
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 one; the others are 0.
    Truncated,
    /// None of it.
    None,
}

impl AddressKept {
    /// What is kept of an address.
    ///
    /// ```
    /// use cloakroom_core::client_address::AddressKept;
    ///
    /// assert_eq!(AddressKept::Truncated.of("203.0.113.7".parse()?), Some("203.0.113.0".parse()?));
    /// assert_eq!(AddressKept::None.of("203.0.113.7".parse()?), None);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn of(self, address: IpAddr) -> Option<IpAddr> {
        match self {
            Self::Full => Some(address.to_canonical()),
            Self::Truncated => Some(cut(address, KEPT_BITS_V4, KEPT_BITS_V6).addr()),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trusting(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|text| text.parse().unwrap())).unwrap()
    }

    fn client(proxies: &TrustedProxies, peer: &str, lines: &[&str]) -> String {
        proxies.client(peer.parse().unwrap(), lines.iter().map(|line| line.as_bytes())).to_string()
    }

    #[test]
    fn the_right_most_address_that_is_no_proxys_is_the_clients() {
        let proxies = trusting(&["10.0.0.0/8", "fd00::/8", "192.0.2.1"]);
        for (peer, lines, expected) in [
            ("203.0.113.7", &[][..], "203.0.113.7"),
            ("203.0.113.7", &["1.1.1.1"], "203.0.113.7"), // not a proxy's word
            ("10.0.0.1", &[], "10.0.0.1"),                // the proxy itself
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.7", "10.9.9.9,fd00::2"], "203.0.113.7"),
            ("192.0.2.1", &["203.0.113.7"], "203.0.113.7"),
            ("192.0.2.2", &["203.0.113.7"], "192.0.2.2"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["203.0.113.7:1024 "], "203.0.113.7"),
            ("10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"), // all of them proxies: the first is who asked
            ("10.0.0.1", &["203.0.113.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7,"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7, _hidden, 10.0.0.2"], "10.0.0.2"),
        ] {
            assert_eq!(client(&proxies, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        let proxies = trusting(&["10.0.0.0/8"]);
        let mut line = "203.0.113.7".to_owned();
        line.push_str(&", 10.0.0.9".repeat(HOPS_MAX));
        assert_eq!(client(&proxies, "10.0.0.1", &[&line]), "10.0.0.9");
    }

    #[test]
    fn networks_are_written_in_one_way() {
        for good in ["10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "fd00::/8", "::1", "::/1"] {
            assert!(good.parse::<Network>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0/8",
            "proxy",
            "::ffff:10.0.0.0/104",
            "fd00::1/8",
            "10.0.0.0/8 ",
        ] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
        assert_eq!(TrustedProxies::new(["0.0.0.0/0".parse().unwrap()]), Err(NotTrustable::Everybody));
        assert_eq!(TrustedProxies::new(["::/0".parse().unwrap()]), Err(NotTrustable::Everybody));
        let many = vec!["10.0.0.1".parse().unwrap(); TRUSTED_MAX + 1];
        assert_eq!(TrustedProxies::new(many), Err(NotTrustable::TooMany));
    }

    #[test]
    fn a_client_has_one_ipv4_address_or_half_an_ipv6_one() {
        for (address, network) in [
            ("203.0.113.7", "203.0.113.7/32"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(Network::of_client(address.parse().unwrap()).to_string(), network);
        }
        let truncated = |text: &str| AddressKept::Truncated.of(text.parse().unwrap()).unwrap().to_string();
        assert_eq!(truncated("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        assert_eq!(truncated("::ffff:203.0.113.7"), "203.0.113.0");
    }

    proptest! {
        #[test]
        fn what_a_client_writes_changes_nothing(written in prop::collection::vec(any::<u8>(), 0..200), address: std::net::Ipv4Addr) {
            let proxies = trusting(&["10.0.0.0/8"]);
            let client = IpAddr::from(address);
            prop_assume!(!proxies.is_trusted(client));
            let appended = [written.as_slice(), format!(", {client}").as_bytes()].concat();
            let peer = "10.0.0.1".parse().unwrap();
            prop_assert_eq!(proxies.client(peer, [appended.as_slice()].into_iter()), client);
            prop_assert_eq!(proxies.client(peer, [written.as_slice(), client.to_string().as_bytes()].into_iter()), client);
            prop_assert_eq!(proxies.client(client, [written.as_slice()].into_iter()), client);
        }

        #[test]
        fn a_network_reads_back_as_it_is_shown(address: std::net::Ipv6Addr, bits in 0..=128_u8) {
            let network = Network(cut(address.into(), bits.min(32), bits));
            prop_assert_eq!(network.to_string().parse(), if matches!(network.0, IpNet::V6(net) if net.addr().to_ipv4_mapped().is_some()) { Err(NotANetwork) } else { Ok(network) });
        }
    }
}
