//! Schemas and headers that several operations share. What a session looks like is described beside the code that shows one.

use cloakroom::Code;
use serde_json::{Map, Value, json};

use crate::api;
use crate::openapi::{EXAMPLE_ID, EXAMPLE_TOKEN};

/// An object of these properties; those whose name ends in `?` may be missing.
pub(crate) fn object<const N: usize>(properties: [(&str, Value); N]) -> Value {
    let (mut all, mut required) = (Map::new(), Vec::new());
    for (name, schema) in properties {
        let known = name.strip_suffix('?');
        if known.is_none() {
            required.push(name);
        }
        all.insert(known.unwrap_or(name).to_owned(), schema);
    }
    json!({ "type": "object", "properties": all, "required": required })
}

/// Text of so many characters.
pub(crate) fn text(least: usize, most: usize, about: &str) -> Value {
    json!({ "type": "string", "minLength": least, "maxLength": most, "description": about })
}

/// A subject.
pub(crate) fn subject() -> Value {
    let mut schema = text(1, 255, "Whose; at most 255 bytes in UTF-8, and no U+0000");
    schema["pattern"] = json!("^[^\\u0000]+$");
    schema
}

/// An id.
pub(crate) fn uuid(about: &str) -> Value {
    json!({ "type": "string", "format": "uuid", "description": about })
}

/// A time, in UTC.
pub(crate) fn date_time(about: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": about })
}

/// The named schemas.
pub(super) fn schemas() -> Value {
    json!({
        "Session": api::session::schema(),
        "ListedSession": api::session::schema_of_listed(),
        "Account": api::admin::accounts::schema(),
        "Ended": api::ended::schema(),
        "Problem": problem(),
    })
}

fn problem() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let complaint = object([
        (
            "field",
            json!({ "type": "string", "maxLength": 64, "description": "Its name as it was sent; `body` for all of it" }),
        ),
        ("message", json!({ "type": "string", "description": "What is wrong, for people" })),
    ]);
    let mut problem = object([
        ("type", json!({ "type": "string", "format": "uri", "description": "`urn:cloakroom:problem:` and the code" })),
        ("title", json!({ "type": "string", "description": "What happened, for people" })),
        ("status", json!({ "type": "integer", "minimum": 400, "maximum": 599 })),
        ("detail", json!({ "type": "string", "description": "What to do next, for people" })),
        ("code", json!({ "type": "string", "enum": codes, "description": "For programs; the list is closed" })),
        (
            "request_id",
            json!({ "type": "string", "description": "What the log has it under, and the header `X-Request-Id`" }),
        ),
        (
            "errors?",
            json!({ "type": "array", "items": complaint, "description": "With `invalid_input` only: every field that was complained about" }),
        ),
    ]);
    problem["description"] = json!("RFC 9457");
    problem
}

/// The headers of answers.
pub(super) fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "What the log has this request under", "required": true,
            "schema": { "type": "string" }, "example": EXAMPLE_ID,
        },
        "Retry-After": {
            "description": "When to try again, in seconds", "required": true,
            "schema": { "type": "integer", "minimum": 1 }, "example": 2,
        },
        "WWW-Authenticate": {
            "description": "How to prove who one is: `Cookie` for people, by logging in; `Bearer` for applications, by their service token",
            "required": true, "schema": { "type": "string", "pattern": "^(Cookie|Bearer) realm=\"cloakroom\"" },
            "example": "Cookie realm=\"cloakroom\", form-action=\"/login\"",
        },
        "Set-Cookie": {
            "description": "The cookie with the new token", "required": true,
            "schema": { "type": "string", "pattern": "cloakroom=ck1_[A-Za-z0-9_-]{43};" },
            "example": format!("__Host-cloakroom={EXAMPLE_TOKEN}; Path=/; HttpOnly; SameSite=Lax; Secure"),
        },
        "Cleared-Cookie": {
            "description": "Where the session of this request has ended: takes the cookie away", "required": false,
            "schema": { "type": "string", "pattern": "cloakroom=;" },
            "example": "__Host-cloakroom=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
        },
        "Server-Timing": {
            "description": "With `everywhere`: how long it took until no instance served them any more", "required": false,
            "schema": { "type": "string" }, "example": "everywhere;dur=12",
        },
    })
}
