//! Whatever stands in the `Cookie` headers: at most four tokens come out, none twice, none made up, and only under our name.
#![no_main]

use cloakroom::cookie::presented_tokens;
use http::header::{COOKIE, HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "__Host-cloakroom";
const TOKEN: &str = "ck1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fuzz_target!(|data: &[u8]| {
    // A line end parts one header from the next; `@` stands for a whole `name=token`, which no fuzzer would guess.
    let mut headers = HeaderMap::new();
    let pair = format!("{NAME}={TOKEN}");
    for line in data.split(|byte| *byte == b'\n').take(32) {
        let mut value = Vec::with_capacity(line.len());
        for byte in line {
            if *byte == b'@' { value.extend_from_slice(pair.as_bytes()) } else { value.push(*byte) }
        }
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.append(COOKIE, value);
        }
    }
    let tokens = presented_tokens(&headers, NAME);
    assert!(tokens.len() <= 4, "{} tokens are tried", tokens.len());
    let distinct: std::collections::HashSet<_> = tokens.iter().collect();
    assert_eq!(distinct.len(), tokens.len(), "a token is tried twice");
    let marks = headers.get_all(COOKIE).iter().map(|value| occurrences(value.as_bytes(), b"ck1_")).sum();
    assert!(tokens.len() <= marks, "a token came out that nobody sent");
    // Another name's cookies are none of ours, even where one name ends as ours does.
    assert_eq!(presented_tokens(&headers, "another-name-that-no-input-has").len(), 0);
});

fn occurrences(text: &[u8], part: &[u8]) -> usize {
    text.windows(part.len()).filter(|window| *window == part).count()
}
