//! The pages: handlers that read, ask, and fill in a view. One file a noun.

pub(crate) mod account;
pub(crate) mod home;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod password;
pub(crate) mod setup;

use askama::Template;
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::failure::Failure;
use crate::locale::Locale;
use crate::view::Words;

/// The words of whoever sent these headers.
fn words_for<'a>(app: &'a App, headers: &HeaderMap) -> Words<'a> {
    let languages = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Words::new(app.catalogue(), Locale::negotiate(languages))
}

/// A rendered page. None of them is for a cache: each may say who somebody is.
fn page(status: StatusCode, view: &impl Template) -> Result<Response, Failure> {
    let html = view.render().map_err(|error| Failure::internal(&error))?;
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    Ok(response)
}
