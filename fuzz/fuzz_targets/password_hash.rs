//! Whatever a row holds for a password hash: it is refused, or it is Argon2id in its one spelling, within the bounds of its cost.
#![no_main]

use cloakroom_core::password::PasswordHash;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(hash) = PasswordHash::parse(text) else { return };
    assert_eq!(hash.as_str(), text, "kept in another spelling");
    assert!(text.len() <= 256 && text.starts_with("$argon2id$v=19$m="), "not the one algorithm");
    let costs = text.split('$').nth(3).unwrap_or_default();
    let cost = |name: &str| {
        let found = costs.split(',').find_map(|cost| cost.strip_prefix(name));
        found.and_then(|cost| cost.parse::<u32>().ok()).expect("every cost is there")
    };
    assert!(cost("m=") <= 1 << 20 && cost("t=") <= 10 && cost("p=") <= 16, "a row may not demand so much: {costs}");
    assert!(!format!("{hash:?}").contains("argon2"), "Debug shows it");
});
