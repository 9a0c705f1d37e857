//! Properties of reading bodies, for any body: what is read means the same when it is written again, and what is refused leaves nothing behind.

use futures_util::FutureExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;
use crate::mutation::mutated;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const WORDS: &[&str] = &[
    "login_name",
    "password",
    "keep",
    "return_to",
    "&",
    "=",
    "%",
    "%00",
    "%ff",
    "%F0%9F%A6%80",
    "+",
    ";",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\u202e",
    "null",
    "true",
    "1e999",
    "-",
    " ",
    "\n",
    "é",
    "\u{202e}",
];

fn read(content_type: &str, body: Vec<u8>) -> Result<Fields, Failure> {
    let request = Request::post("/").header(CONTENT_TYPE, content_type).body(Body::from(body)).unwrap();
    let read = async {
        if content_type == FORM { Fields::from_form(request).await } else { Fields::from_json(request).await }
    };
    read.now_or_never().expect("the body is there already")
}

/// What was sent, for comparing.
fn sent(fields: &Fields) -> Vec<(&str, serde_json::Value)> {
    let value = |value: &Value| match value {
        &Value::Flag(flag) => flag.into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(texts) => texts.iter().map(|text| text.as_str()).collect(),
        Value::Other => serde_json::Value::Null,
    };
    fields.sent.iter().map(|(name, found)| (name.as_str(), value(found))).collect()
}

fn form_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&").into_bytes()
}

/// Written by hand, because names may be there twice.
fn json_of<'a>(fields: impl Iterator<Item = (&'a str, serde_json::Value)>) -> Vec<u8> {
    let field = |(name, value)| format!("{}:{value}", serde_json::Value::from(name));
    format!("{{{}}}", fields.map(field).collect::<Vec<_>>().join(",")).into_bytes()
}

/// As the login page reads it: what was understood, or the complaints.
fn as_login(mut fields: Fields) -> Result<(String, String, bool, Option<String>), Vec<FieldError>> {
    let (keep, return_to) = (fields.checkbox("keep"), fields.optional("return_to"));
    let (name, password) = (fields.login_name("login_name"), fields.password("password"));
    let errors = fields.into_errors();
    match (name, password) {
        (Some(name), Some(password)) if errors.is_empty() => {
            Ok((name.to_string(), password.reveal().to_owned(), keep, return_to.map(|text| text.to_string())))
        }
        _ => Err(errors),
    }
}

fn assert_is_named(errors: &[FieldError]) {
    assert!((1..=FIELDS_MAX).contains(&errors.len()), "{} complaints", errors.len());
    for FieldError { field, .. } in errors {
        assert!(field.chars().count() <= 64 && !field.chars().any(char::is_control), "{field:?}");
    }
}

/// Whatever the bytes: a refusal names a field; what is read can be written again and is then the same, to the login too.
fn check(content_type: &str, body: Vec<u8>) {
    let fields = match read(content_type, body) {
        Ok(fields) => fields,
        Err(failure) => {
            assert_eq!(failure.code(), Code::InvalidInput);
            return assert_is_named(failure.errors());
        }
    };
    let again = if content_type == FORM {
        let sent = sent(&fields);
        form_of(sent.iter().map(|(name, value)| (*name, value.as_str().expect("a form has text only"))))
    } else {
        json_of(sent(&fields).into_iter())
    };
    let again = read(content_type, again).expect("what was read can be read");
    assert_eq!(sent(&again), sent(&fields));
    let (first, second) = (as_login(fields), as_login(again));
    assert_eq!(first, second);
    if let Err(errors) = first {
        assert_is_named(&errors);
    }
}

/// A field as a browser or a program may send it; every value bears a mark.
fn field() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        6 => prop::sample::select(&["login_name", "password", "keep", "return_to"][..]).prop_map(str::to_owned),
        1 => "\\PC{0,80}",
    ];
    let value = prop_oneof!["\\PC{0,20}", "on", "[\\x00-\\x20]", "x{250,300}"];
    (name, value).prop_map(|(name, value)| (name, format!("{value}{MARK}")))
}

const MARK: &str = "zqx7";

proptest! {
    #[test]
    fn any_form_is_refused_with_a_field_or_means_the_same_when_written_again(body in mutated("form", WORDS)) {
        check(FORM, body);
    }

    #[test]
    fn no_query_makes_it_panic(query in "\\PC{0,200}|([a-c%=&+]{0,3}){0,80}") {
        if let Ok(mut fields) = Fields::from_query(Some(&query)) {
            fields.text("a");
            fields.checkbox("b");
            prop_assert!(fields.into_errors().len() <= FIELDS_MAX);
        }
    }

    #[test]
    fn any_json_body_is_refused_with_a_field_or_means_the_same_when_written_again(body in mutated("json", WORDS)) {
        if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body).is_ok() {
            prop_assert!(read(JSON, body.clone()).is_ok(), "an object is read");
        }
        check(JSON, body);
    }

    #[test]
    fn a_form_and_a_json_body_of_the_same_fields_are_judged_alike(fields in prop::collection::vec(field(), 0..8)) {
        let pairs = || fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let form = as_login(read(FORM, form_of(pairs())).unwrap());
        let json = as_login(read(JSON, json_of(pairs().map(|(name, value)| (name, value.into())))).unwrap());
        prop_assert_eq!(form, json);
    }

    #[test]
    fn a_refusal_keeps_no_value(fields in prop::collection::vec(field(), 0..8), cut in any::<prop::sample::Index>()) {
        let fields: Vec<_> = fields.iter().filter(|(name, _)| !name.contains(MARK)).collect();
        let pairs = || fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let json = json_of(pairs().map(|(name, value)| (name, value.into())));
        let cut = json[..cut.index(json.len())].to_vec(); // never an object
        for (content_type, body) in [(FORM, form_of(pairs())), (JSON, json), (JSON, cut)] {
            let refusal = match read(content_type, body) {
                Err(failure) => format!("{failure:?}"),
                Ok(fields) => as_login(fields).map_or_else(|errors| format!("{errors:?}"), |_| String::new()),
            };
            prop_assert!(!refusal.contains(MARK), "{}", refusal);
        }
    }
}
