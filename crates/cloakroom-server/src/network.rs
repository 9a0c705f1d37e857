//! Where a client is, in words, as far as its address is kept. A hint for people, never a proof.

use std::net::IpAddr;

use cloakroom::{AddressKept, Network, SessionId};

use crate::view::Words;

/// Whoever looks at a page: in which session, from which address, and how much of addresses is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here {
    pub(crate) session: SessionId,
    pub(crate) address: Option<IpAddr>,
    pub(crate) kept: AddressKept,
}

impl Here {
    /// Where an address that was kept is, seen from here, such as "from this network (203.0.113.7)".
    pub(crate) fn in_words(&self, words: Words<'_>, address: IpAddr) -> String {
        let address = address.to_canonical();
        let shown = shown(address, self.kept);
        let key = match address {
            _ if address.is_loopback() => return words.say("from-this-machine"),
            _ if self.shares_network_of(address) => "from-this-network",
            _ if is_private(address) => "from-private-network",
            _ => "account-from",
        };
        words.with(key, &[("ip", shown)])
    }

    fn shares_network_of(&self, address: IpAddr) -> bool {
        let here = self.address.and_then(|here| self.kept.of(here));
        here.is_some_and(|here| Network::of_client(address).contains(here))
    }
}

/// An address, or its network where no more of it is kept.
fn shown(address: IpAddr, kept: AddressKept) -> String {
    let cut = AddressKept::Truncated.of(address);
    match (kept, address) {
        // What was kept before less was to be kept is shown as it is.
        (AddressKept::Truncated, IpAddr::V4(_)) if cut == Some(address) => format!("{address}/24"),
        (AddressKept::Truncated, IpAddr::V6(_)) if cut == Some(address) => format!("{address}/48"),
        _ => address.to_string(),
    }
}

/// Addresses that mean something else in every network: RFC 1918, RFC 6598 (a provider's own), RFC 4193, and link-local ones.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_link_local() || matches!(v4.octets(), [100, second, ..] if second & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::{Catalogue, Locale};

    fn said(from: &str, here: &str, kept: AddressKept, locale: Locale) -> String {
        let catalogue = Catalogue::load().unwrap();
        let session = "0199b7c2-0000-7000-8000-000000000000".parse().unwrap();
        let here = Here { session, address: here.parse().ok(), kept };
        here.in_words(Words::new(&catalogue, locale), from.parse().unwrap())
    }

    #[test]
    fn networks_are_named_as_far_as_they_are_kept() {
        let english = |from, here, kept| said(from, here, kept, Locale::English);
        for (from, here, kept, wanted) in [
            ("203.0.113.7", "", AddressKept::Full, "from 203.0.113.7"),
            ("203.0.113.7", "203.0.113.7", AddressKept::Full, "from this network (203.0.113.7)"),
            ("203.0.113.7", "203.0.113.8", AddressKept::Full, "from 203.0.113.7"),
            ("203.0.113.0", "203.0.113.8", AddressKept::Truncated, "from this network (203.0.113.0/24)"),
            ("203.0.113.0", "198.51.100.1", AddressKept::Truncated, "from 203.0.113.0/24"),
            ("203.0.113.7", "198.51.100.1", AddressKept::Truncated, "from 203.0.113.7"),
            ("2001:db8:1::", "", AddressKept::Truncated, "from 2001:db8:1::/48"),
            ("2001:db8:1:2::9", "2001:db8:1:2::7", AddressKept::Full, "from this network (2001:db8:1:2::9)"),
            ("10.1.2.3", "203.0.113.7", AddressKept::Full, "from a private network (10.1.2.3)"),
            ("100.64.0.1", "", AddressKept::Full, "from a private network (100.64.0.1)"),
            ("100.128.0.1", "", AddressKept::Full, "from 100.128.0.1"),
            ("fd00::1", "", AddressKept::Full, "from a private network (fd00::1)"),
            ("fe80::1", "", AddressKept::Full, "from a private network (fe80::1)"),
            ("127.0.0.1", "127.0.0.1", AddressKept::Full, "from this machine"),
            ("::1", "", AddressKept::Full, "from this machine"),
            ("::ffff:10.1.2.3", "", AddressKept::Full, "from a private network (10.1.2.3)"),
        ] {
            assert_eq!(english(from, here, kept), wanted, "{from} seen from {here}");
        }
        assert_eq!(
            said("10.1.2.3", "10.1.2.3", AddressKept::Full, Locale::Japanese),
            "このネットワークから（10.1.2.3）"
        );
    }
}
