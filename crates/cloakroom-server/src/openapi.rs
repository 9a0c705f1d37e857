//! The OpenAPI 3.1 document: what its parts have in common. Each operation is described beside its handler, from the same constants;
//! what it can be refused with follows from who may call it and what it reads.
//!
//! Nothing here decides or answers. Tests hold the document against the routes and against every answer they get.

mod operation;
mod schema;

use axum::http::Method;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::{MethodRouter, get};
use serde_json::{Map, Value, json};

pub(crate) use self::operation::{Caller, Operation, of};
pub(crate) use self::schema::{date_time, object, subject, text, uuid};
use crate::app::App;
use crate::failure::{self, Failure};
use crate::fields::{Complaint, FieldError};
use crate::locale::{Catalogue, Locale};
use crate::view::Words;
use crate::{api, health};
use cloakroom::Code;

/// Where the document is served.
pub(crate) const PATH: &str = "/openapi.json";
/// A token of zeros: what examples show, so that nobody takes one for a secret.
pub(crate) const EXAMPLE_TOKEN: &str = "ck1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// An id in examples.
pub(crate) const EXAMPLE_ID: &str = "0199b7c2-5d6e-7f80-9a1b-2c3d4e5f6071";

const ABOUT: &str = "\
Login sessions that can be ended: what a session is refused for once, it is refused for on every instance.\n\n\
All of `/api/` takes and answers JSON in UTF-8; errors are problems (RFC 9457) whose `code` never changes its meaning. Texts are in English or \
Japanese after `Accept-Language`. Fields of a body that are not described are refused, and so are parameters in the query of operations that read some. Answers may get more fields later.\n\n\
Besides what each operation lists, any path answers 404 `not_found` where there is none of the name, 405 `method_not_allowed` with `Allow` where it \
knows other methods, and, before a request is read, 414 or 431 without a body where its first line or headers are too long. A body has at \
most 64 KiB. Requests that a browser was made to send by another site are 403 `cross_site`.";

/// Every operation there is, in the order of the routes.
fn operations() -> Vec<Operation> {
    let mut operations = vec![api::login::described(), api::logout::described(), api::confirm::described()];
    operations.push(api::session::described());
    operations.extend(api::sessions::described());
    operations.extend(api::admin::sessions::described());
    operations.extend(api::admin::accounts::described());
    operations.extend(api::service::described());
    operations.extend(health::described());
    operations.push(described());
    operations
}

/// The whole document, its keys in order.
pub(crate) fn document(catalogue: &Catalogue) -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let at = paths.entry(operation.path()).or_insert_with(|| json!({}));
        let method = operation.method();
        at[method] = operation.into_value();
    }
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Cloakroom",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Login sessions: for browsers, for administrators and for applications",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This server" }],
        "tags": [
            { "name": "session", "description": "Whoever is signed in, or signs in" },
            { "name": "admin", "description": "Administrators who proved their password a moment ago" },
            { "name": "service", "description": "Applications that check credentials themselves, with a service token" },
            { "name": "server", "description": "The process itself" },
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-cloakroom",
                    "description": "The cookie that a login sets. It is called `__Secure-cloakroom` where it is for a domain, and `cloakroom` over plain http.",
                },
                "service": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "cks1_ and 43 characters",
                    "description": "A service token: `cloakroom service-token add NAME`.",
                },
            },
            "headers": schema::headers(),
            "schemas": schema::schemas(),
            "examples": problems(catalogue),
        },
    });
    document.sort_all_objects(); // the order must not depend on what else is built
    document
}

/// The document as it is printed and checked in.
pub(crate) fn text_of(catalogue: &Catalogue) -> String {
    format!("{:#}\n", document(catalogue))
}

/// `GET /openapi.json`: made once, the same for everybody.
pub(crate) fn served(catalogue: &Catalogue) -> MethodRouter<App> {
    let text = axum::body::Bytes::from(document(catalogue).to_string());
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=300")];
    get(async move || (headers, text))
}

fn described() -> Operation {
    Operation::new(Method::GET, PATH, "getDocument", "This document").says("It may be kept for five minutes.").answers(
        200,
        "The document",
        &json!({ "type": "object", "required": ["openapi", "info", "paths"] }),
        &[],
    )
}

/// An example of each problem, in English, as the server words it.
fn problems(catalogue: &Catalogue) -> Value {
    let words = Words::new(catalogue, Locale::English);
    let mut examples = Map::new();
    let mut add = |name: &str, failure: &Failure| {
        let value = failure::problem(&words, failure, EXAMPLE_ID);
        examples.insert(name.to_owned(), json!({ "summary": value["title"].clone(), "value": value }));
    };
    for &code in Code::ALL {
        let errors = vec![FieldError::new("limit", Complaint::NotAllowed)];
        add(code.as_str(), &if code == Code::InvalidInput { Failure::invalid(errors) } else { Failure::of(code) });
    }
    for (code, message) in [(Code::LoginRequired, "service-token-needed"), (Code::Forbidden, "service-token-scope")] {
        add(&operation::of_service(code), &Failure::of(code).of_service(message));
    }
    Value::Object(examples)
}

#[cfg(test)]
mod tests;
