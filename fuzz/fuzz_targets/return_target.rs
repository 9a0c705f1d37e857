//! Whatever passes as a return target stays on this site, as a browser resolves it and as a proxy may decode it.
#![no_main]

use cloakroom_core::return_target::{RETURN_TARGET_BYTES_MAX, ReturnTarget};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    check(text);
    check(&format!("/{text}"));
});

fn check(text: &str) {
    let Some(target) = ReturnTarget::parse(text) else { return };
    let target = target.as_str();
    assert_eq!(target, text, "changed on the way");
    assert!(target.len() <= RETURN_TARGET_BYTES_MAX);
    assert!(ReturnTarget::parse(target).is_some_and(|again| again.as_str() == target));

    // The answer's header: one line of visible ASCII, nothing that ends a header or an attribute.
    assert!(target.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\#".contains(&b)), "unfit for Location: {target:?}");

    // As a browser reads it (WHATWG URL), and as a proxy does that decodes once, or twice.
    let mut path = target.split('?').next().unwrap_or_default().to_owned();
    for _ in 0..3 {
        assert!(stays_here(&path), "{target:?} leaves this site as {path:?}");
        path = decode(&path);
    }
}

/// A path that starts with one slash, and in which no `..` leads up.
fn stays_here(path: &str) -> bool {
    // Browsers drop tabs and line ends, and take a backslash for a slash.
    let path: String =
        path.chars().filter(|c| !"\t\r\n".contains(*c)).map(|c| if c == '\\' { '/' } else { c }).collect();
    path.starts_with('/') && !path.starts_with("//") && path.split('/').all(|segment| segment != "." && segment != "..")
}

/// Percent-decoding, with what is not UTF-8 replaced.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped =
            bytes.get(at + 1..at + 3).filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        match escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
