//! Any text is refused as a token or is the one spelling of it, and no two texts are one token.
#![no_main]

use cloakroom_core::token::Token;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        check(text);
    }
    // Most texts die at the prefix: what follows it is tried by itself too.
    if let Some(Ok(body)) = data.get(..43).map(std::str::from_utf8) {
        check(&format!("ck1_{body}"));
    }
    // And any 32 bytes are a token's.
    if let Some(Ok(bytes)) = data.get(..32).map(<[u8; 32]>::try_from) {
        let token = Token::generate(&Fixed(bytes)).expect("these bytes are always to be had");
        let again = Token::parse(&token.reveal()).expect("what was revealed can be read");
        assert!(again.digest() == token.digest(), "another token after reveal and parse");
    }
});

fn check(text: &str) {
    if let Ok(token) = Token::parse(text) {
        assert!(token.reveal().as_str() == text, "a second spelling of a token was accepted");
        assert!(text.is_ascii() && !text.bytes().any(|b| b" \t\r\n;,\"=\\".contains(&b)), "unfit for a cookie");
    }
}

#[derive(Debug)]
struct Fixed([u8; 32]);

impl cloakroom_core::world::Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), cloakroom_core::world::RandomUnavailable> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}
