//! Whatever a client writes into `X-Forwarded-For`: what the trusted proxies in front of it append decides, and its words change nothing.
#![no_main]

use std::net::IpAddr;

use cloakroom_core::client_address::{AddressKept, Network, TrustedProxies};
use libfuzzer_sys::fuzz_target;

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));
const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

fuzz_target!(|written: &[u8]| {
    let trusted: Network = "10.0.0.0/8".parse().expect("a network");
    let proxies = TrustedProxies::new([trusted]).expect("to be trusted");
    let appended = [written, b", 203.0.113.7, 10.0.0.2"].concat();
    for lines in [vec![appended.as_slice()], vec![written, b"203.0.113.7", b"10.0.0.2".as_slice()]] {
        assert_eq!(proxies.client(PROXY, lines.iter().copied()), CLIENT, "the right-most that is no proxy's");
        assert_eq!(proxies.client(CLIENT, lines.into_iter()), CLIENT, "nobody's word but a proxy's");
    }
    // Of what a proxy passes on unseen, the answer is an address that stands there, or the proxy.
    let said = proxies.client(PROXY, [written].into_iter());
    assert!(said == PROXY || String::from_utf8_lossy(written).contains(['.', ':']), "{said}");
    if let Some(kept) = AddressKept::Truncated.of(said) {
        assert_eq!(AddressKept::Truncated.of(kept), Some(kept), "cutting twice changes it");
    }
    if let Ok(network) = std::str::from_utf8(written).unwrap_or_default().parse::<Network>() {
        assert_eq!(network.to_string().parse(), Ok(network), "it is written in one way");
    }
});
