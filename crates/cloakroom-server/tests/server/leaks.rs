//! Every test of every suite over HTTP looks for what must be nowhere: in each answer it gets, and in each file its servers leave
//! (database, WAL, log) when it is over. What is looked for is every password the tests use and every token that was handed to one of them.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::client::Answer;
use crate::process::{OTHER_PASSWORD, PASSWORD};

/// How every token begins: no answer and no file has that, wherever it comes from.
const TOKEN_PREFIX: &str = "ck1_";
/// How every service token begins: no file has that. An answer says it, to whoever sends none.
const SERVICE_TOKEN_PREFIX: &str = "cks1_";
/// What the document of the JSON interface says of tokens: the one of zeros, and how each looks.
const NO_TOKENS: [&str; 2] = ["ck1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ck1_[A-Za-z0-9_-]{43}"];
/// What is compared of a token's bytes: nothing has so many by chance.
const COMPARED: usize = 16;

/// The bytes of the tokens that were handed to this process.
static TOKENS: LazyLock<Mutex<HashSet<[u8; COMPARED]>>> = LazyLock::new(Mutex::default);

/// Remembers a token, and looks through the answer that brought it, if any.
pub(crate) fn look_through(answer: &Answer) {
    let mut headers = String::new();
    for (name, value) in &answer.headers {
        match value.split_once(TOKEN_PREFIX) {
            Some((_, rest)) if name == "set-cookie" => remember(rest.split(';').next().unwrap_or_default()),
            _ => headers += value,
        }
    }
    for text in [headers.as_str(), without_token(answer)] {
        let text = NO_TOKENS.iter().fold(text.to_owned(), |text, none| text.replace(none, ""));
        for secret in [TOKEN_PREFIX, PASSWORD, OTHER_PASSWORD] {
            assert!(!text.contains(secret), "{secret} is in an answer: {answer:?}");
        }
    }
}

/// The body of an answer without the token that the service API hands over in it, once: where that was created.
fn without_token(answer: &Answer) -> &str {
    let handed_over = answer.body.strip_prefix(r#"{"token":"ck1_"#).filter(|_| answer.status == 201);
    let Some((token, rest)) = handed_over.and_then(|rest| rest.split_once('"')) else { return &answer.body };
    remember(token);
    rest
}

fn remember(token: &str) {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_else(|error| panic!("no token: {error}"));
    let compared = bytes[..COMPARED].try_into().unwrap();
    TOKENS.lock().unwrap_or_else(PoisonError::into_inner).insert(compared);
}

/// Looks through the rows of a table as text, in which bytes are hexadecimal.
pub(crate) fn look_through_text(rows: &str, table: &str) {
    for secret in [TOKEN_PREFIX, SERVICE_TOKEN_PREFIX, PASSWORD, OTHER_PASSWORD] {
        assert!(!rows.contains(secret), "{secret} is in {table}");
    }
    let tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
    let hex = |bytes: &[u8; COMPARED]| format!("{:032x}", u128::from_be_bytes(*bytes));
    let found = tokens.iter().find(|token| rows.contains(&hex(token)));
    assert_eq!(found, None, "a token's bytes are in {table}");
}

/// Looks through every file below a directory.
pub(crate) fn look_through_files(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look_through_files(&path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            look_through_file(&bytes, &path);
        }
    }
}

fn look_through_file(bytes: &[u8], path: &Path) {
    for secret in [TOKEN_PREFIX, SERVICE_TOKEN_PREFIX, PASSWORD, OTHER_PASSWORD] {
        let found = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
        assert_eq!(found, None, "{secret} is in {}", path.display());
    }
    let tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = bytes.windows(COMPARED).position(|window| tokens.contains(window));
    assert_eq!(found, None, "a token's bytes are in {}", path.display());
}
