//! Reading what a request sends: bounded, strict, and every complaint names its field.
//!
//! One reader for forms, JSON bodies and query strings: the same field has the same rules wherever it comes from.

use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request};
use cloakroom::Code;
use cloakroom_core::account::{LoginName, NotALoginName};
use cloakroom_core::password::{Password, PasswordRefusal};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Most bytes of a body that are read.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// Most fields of a body that are looked at: more than any route knows.
const FIELDS_MAX: usize = 32;

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// It is needed and not there, or empty.
    Missing,
    /// No such field is known here.
    Unknown,
    /// It is there more than once.
    Doubled,
    /// It is a number, list, … where text (or true/false) is needed.
    WrongType,
    /// It is longer than can be.
    TooLong,
    /// It has characters that cannot be seen.
    Invisible,
    /// It is none of the values that are allowed.
    NotAllowed,
    /// The new password is refused.
    Password(PasswordRefusal),
    /// The two passwords differ.
    Mismatch,
    /// The current password is another one.
    NotThePassword,
    /// The body as a whole cannot be read.
    Unreadable,
    /// It is the account of whoever asks, which they may not disable, enable or remove themselves.
    OwnAccount,
    /// There is one of this name.
    Taken,
    /// There can be no more of them.
    Full,
}

/// A complaint and the field it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// The field's name, as the sender wrote it, cut to 64 characters.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) complaint: Complaint,
}

impl FieldError {
    /// A complaint about `field`.
    pub(crate) fn new(field: &str, complaint: Complaint) -> Self {
        let visible = |c: &char| !c.is_control();
        Self { field: field.chars().filter(visible).take(64).collect(), complaint }
    }
}

/// A field's value as it was sent.
enum Value {
    Text(Zeroizing<String>),
    Flag(bool),
    /// Texts only; as many as a body can have.
    List(Vec<Zeroizing<String>>),
    Other,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

/// Reads text and booleans; passes over anything else without keeping it.
impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut texts = Some(Vec::new());
        while let Some(element) = seq.next_element::<Value>()? {
            match (element, &mut texts) {
                (Value::Text(text), Some(texts)) => texts.push(text),
                _ => texts = None,
            }
        }
        Ok(texts.map_or(Value::Other, Value::List))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// A JSON object's fields in order, doubled ones included.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    if fields.len() <= FIELDS_MAX {
                        fields.push(field);
                    }
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// The fields of one request. Ask for each; then [`Fields::finish`] complains about everything at once.
pub(crate) struct Fields {
    sent: Vec<(String, Value)>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads an HTML form.
    ///
    /// # Errors
    /// `unsupported_media_type`, `too_large`, or `invalid_input` when the body is not UTF-8.
    pub(crate) async fn from_form(request: Request<Body>) -> Result<Self, Failure> {
        require_type(request.headers(), "application/x-www-form-urlencoded")?;
        let body = read(request).await?;
        Self::from_pairs(&body)
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// `unsupported_media_type`, `too_large`, or `invalid_input` when the body is no JSON object.
    pub(crate) async fn from_json(request: Request<Body>) -> Result<Self, Failure> {
        require_type(request.headers(), "application/json")?;
        let body = read(request).await?;
        let Object(sent) = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        Ok(Self { sent, errors: Vec::new() })
    }

    /// Reads a query string.
    ///
    /// # Errors
    /// `invalid_input` when it is not UTF-8.
    pub(crate) fn from_query(query: Option<&str>) -> Result<Self, Failure> {
        Self::from_pairs(query.unwrap_or_default().as_bytes())
    }

    fn from_pairs(bytes: &[u8]) -> Result<Self, Failure> {
        let mut sent = Vec::new();
        for pair in bytes.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).take(FIELDS_MAX + 1) {
            let split = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
            let (name, value) = (&pair[..split], pair.get(split + 1..).unwrap_or_default());
            sent.push((decode(name)?.to_string(), Value::Text(decode(value)?)));
        }
        Ok(Self { sent, errors: Vec::new() })
    }

    /// A text that may be missing.
    pub(crate) fn optional(&mut self, field: &str) -> Option<Zeroizing<String>> {
        let mut found = None;
        let mut rest = Vec::with_capacity(self.sent.len());
        for (name, value) in self.sent.drain(..) {
            if name != field {
                rest.push((name, value));
            } else if found.is_some() {
                self.errors.push(FieldError::new(field, Complaint::Doubled));
            } else {
                found = Some(value);
            }
        }
        self.sent = rest;
        match found? {
            Value::Text(text) => Some(text),
            Value::Flag(_) | Value::List(_) | Value::Other => {
                self.complain(field, Complaint::WrongType);
                None
            }
        }
    }

    /// Whether the field was sent, whatever it is.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.sent.iter().any(|(name, _)| name == field)
    }

    /// A list of texts, of a JSON body; at most `most`. `None` where there is none, or after a complaint.
    pub(crate) fn list(&mut self, field: &str, most: usize) -> Option<Vec<Zeroizing<String>>> {
        let at = self.sent.iter().position(|(name, value)| name == field && matches!(value, Value::List(_)));
        let Some(Value::List(texts)) = at.map(|at| self.sent.remove(at).1) else {
            if self.optional(field).is_some() {
                self.complain(field, Complaint::WrongType);
            }
            return None;
        };
        if texts.len() > most {
            self.complain(field, Complaint::TooLong);
            return None;
        }
        if self.has(field) {
            let _doubled = self.optional(field);
            self.complain(field, Complaint::Doubled);
            return None;
        }
        Some(texts)
    }

    /// A text as it was sent, without taking it: to show it again.
    pub(crate) fn peek(&self, field: &str) -> &str {
        let found = self.sent.iter().find(|(name, _)| name == field);
        match found {
            Some((_, Value::Text(text))) => text,
            _ => "",
        }
    }

    /// A text that has to be there. Empty after a complaint: [`finish`](Self::finish) reports it.
    pub(crate) fn text(&mut self, field: &str) -> Zeroizing<String> {
        let complaints = self.errors.len();
        let text = self.optional(field).unwrap_or_default();
        if text.is_empty() && self.errors.len() == complaints {
            self.complain(field, Complaint::Missing);
        }
        text
    }

    /// A login name. `None` after a complaint.
    pub(crate) fn login_name(&mut self, field: &str) -> Option<LoginName> {
        let complaints = self.errors.len();
        let typed = self.text(field);
        if self.errors.len() > complaints {
            return None;
        }
        LoginName::new(&typed)
            .map_err(|why| {
                self.complain(
                    field,
                    match why {
                        NotALoginName::Empty => Complaint::Missing,
                        NotALoginName::TooLong => Complaint::TooLong,
                        NotALoginName::Invisible => Complaint::Invisible,
                    },
                );
            })
            .ok()
    }

    /// A password to check against a stored hash. `None` after a complaint.
    pub(crate) fn password(&mut self, field: &str) -> Option<Password> {
        let complaints = self.errors.len();
        let typed = self.text(field);
        if self.errors.len() > complaints {
            return None;
        }
        Password::new(&typed).map_err(|_| self.complain(field, Complaint::TooLong)).ok()
    }

    /// A checkbox: `on`, `true` or `1`, or a JSON `true`; absent is off.
    pub(crate) fn checkbox(&mut self, field: &str) -> bool {
        if let Some(flag) = self.taken_flag(field) {
            return flag;
        }
        match self.optional(field).as_ref().map(|text| text.as_str()) {
            None | Some("" | "off" | "false" | "0") => false,
            Some("on" | "true" | "1") => true,
            Some(_) => {
                self.complain(field, Complaint::NotAllowed);
                false
            }
        }
    }

    /// A JSON `true` or `false`, and no text that might mean one; absent is false.
    pub(crate) fn flag(&mut self, field: &str) -> bool {
        let flag = self.taken_flag(field);
        if flag.is_none() && self.optional(field).is_some() {
            self.complain(field, Complaint::WrongType);
        }
        flag.unwrap_or(false)
    }

    fn taken_flag(&mut self, field: &str) -> Option<bool> {
        let at = self.sent.iter().position(|(name, value)| name == field && matches!(value, Value::Flag(_)));
        match at.map(|at| self.sent.remove(at).1) {
            Some(Value::Flag(flag)) => Some(flag),
            _ => None,
        }
    }

    /// Notes a complaint.
    pub(crate) fn complain(&mut self, field: &str, complaint: Complaint) {
        self.errors.push(FieldError::new(field, complaint));
    }

    /// Every complaint so far, and one for each field nobody asked for.
    pub(crate) fn into_errors(mut self) -> Vec<FieldError> {
        let unknown = self.sent.drain(..).map(|(name, _)| FieldError::new(&name, Complaint::Unknown));
        self.errors.extend(unknown);
        self.errors.truncate(FIELDS_MAX);
        self.errors
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// `invalid_input` with every complaint.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let errors = self.into_errors();
        if errors.is_empty() { Ok(()) } else { Err(Failure::invalid(errors)) }
    }
}

fn unreadable() -> Failure {
    Failure::invalid(vec![FieldError::new("body", Complaint::Unreadable)])
}

/// Percent-decodes a name or value of a form, `+` being a space.
fn decode(bytes: &[u8]) -> Result<Zeroizing<String>, Failure> {
    let spaced: Zeroizing<Vec<u8>> =
        Zeroizing::new(bytes.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect());
    let decoded = Zeroizing::new(percent_encoding::percent_decode(&spaced).collect::<Vec<u8>>());
    std::str::from_utf8(&decoded).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| unreadable())
}

fn require_type(headers: &HeaderMap, wanted: &str) -> Result<(), Failure> {
    let found = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = found.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(Failure::of(Code::UnsupportedMediaType)) }
}

/// The whole body, up to [`BODY_BYTES_MAX`].
async fn read(request: Request<Body>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| {
        let is_too_large = std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if is_too_large { Failure::of(Code::TooLarge) } else { unreadable() }
    })?;
    Ok(Zeroizing::new(body.to_vec()))
}

#[cfg(test)]
mod fuzzed;

#[cfg(test)]
mod tests;
