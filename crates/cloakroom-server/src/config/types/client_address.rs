//! What is said of clients' addresses: whose word on them counts, and how much of them is kept.

use cloakroom_core::client_address::{AddressKept, Network, TrustedProxies};

use super::{Raw, Setting};

impl Setting for TrustedProxies {
    const TYPE: &'static str = "list of networks";
    fn read(raw: &Raw) -> Option<Self> {
        let networks: Option<Vec<Network>> = match raw {
            Raw::Loose(text) if text.trim().is_empty() => Some(Vec::new()),
            Raw::Loose(text) => text.split(',').map(|one| one.trim().parse().ok()).collect(),
            Raw::Texts(texts) => texts.iter().map(|one| one.parse().ok()).collect(),
            _ => None,
        };
        Self::new(networks?).ok()
    }
    fn show(&self) -> Option<String> {
        let networks: Vec<String> = self.networks().iter().map(|network| format!("\"{network}\"")).collect();
        Some(format!("[{}]", networks.join(", ")))
    }
}

words! {
    /// How much of a client's address is kept.
    ClientAddress:
        /// All of it.
        Full = "full",
        /// Its network's part.
        Truncated = "truncated",
        /// None of it.
        None = "none"
}

impl From<ClientAddress> for AddressKept {
    fn from(word: ClientAddress) -> Self {
        match word {
            ClientAddress::Full => Self::Full,
            ClientAddress::Truncated => Self::Truncated,
            ClientAddress::None => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_a_list_of_networks() {
        let texts = |texts: &[&str]| Raw::Texts(texts.iter().copied().map(str::to_owned).collect());
        let loose = |text: &str| Raw::Loose(text.to_owned());
        for (raw, shown) in [
            (texts(&[]), "[]"),
            (loose(" "), "[]"),
            (texts(&["10.0.0.0/8", "fd00::1"]), r#"["10.0.0.0/8", "fd00::1/128"]"#),
            (loose("10.0.0.0/8, ::ffff:192.0.2.1"), r#"["10.0.0.0/8", "192.0.2.1/32"]"#),
        ] {
            assert_eq!(TrustedProxies::read(&raw).and_then(|read| read.show()).as_deref(), Some(shown));
        }
        for raw in [
            texts(&["0.0.0.0/0"]),
            texts(&["::/0"]),
            texts(&["10.0.0.1/8"]),
            texts(&["proxy.example"]),
            texts(&["10.0.0.0/8,192.0.2.1"]),
            texts(&["10.0.0.0/8"; 257]),
            loose("10.0.0.0/8,"),
            loose("*"),
            Raw::Text("10.0.0.0/8".to_owned()),
            Raw::Flag(true),
        ] {
            assert_eq!(TrustedProxies::read(&raw), None, "{raw:?}");
        }
    }
}
