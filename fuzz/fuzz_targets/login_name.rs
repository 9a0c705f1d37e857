//! Whatever is typed as a login name: it is refused, or normalised once and for all into something short that can be seen.
#![no_main]

use cloakroom_core::account::LoginName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|typed: &str| {
    let Ok(name) = LoginName::new(typed) else { return };
    let normal = name.as_str();
    assert!((1..=255).contains(&normal.len()), "{} bytes", normal.len());
    assert_eq!(normal.trim(), normal, "white space around it");
    assert!(!normal.chars().any(char::is_control), "a control character");
    assert_eq!(LoginName::new(normal).as_ref(), Ok(&name), "normalising again changes it");
    assert_eq!(
        LoginName::new(&format!(" \t{typed}\n")).as_ref().ok(),
        LoginName::new(typed).as_ref().ok(),
        "space counts"
    );
});
