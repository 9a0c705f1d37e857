//! The pages: handlers that read, ask, and fill in a view. One file a noun.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod confirm;
pub(crate) mod home;
pub(crate) mod language;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod not_me;
pub(crate) mod password;
pub(crate) mod setup;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use cloakroom::{FormToken, Rejection, Session, Sessions};

use crate::app::App;
use crate::failure::Failure;
use crate::locale::Locale;
use crate::network::Here;
use crate::view::{Expires, Words};

/// A request of somebody who is signed in, with what their pages are made of. An extractor.
pub(crate) struct Visit {
    app: App,
    sessions: Sessions,
    session: Session,
    form_token: FormToken,
    locale: Locale,
}

impl Visit {
    fn words(&self) -> Words<'_> {
        Words::new(self.app.catalogue(), self.locale)
    }

    /// Where the person who looks is.
    fn here(&self) -> Here {
        Here {
            session: self.session.principal().session_id(),
            address: self.sessions.client_address(),
            kept: self.sessions.policy().client_address,
        }
    }

    /// When the session ends without further use.
    fn expires(&self) -> Expires {
        Expires::new(self.words(), &self.session, self.app.now())
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Rejection> {
        Ok(Self {
            app: app.clone(),
            session: Session::from_request_parts(parts, app).await?,
            sessions: Sessions::from_request_parts(parts, app).await?,
            form_token: FormToken::from_request_parts(parts, app).await?,
            locale: crate::language::of(&parts.headers, app.language()),
        })
    }
}

/// The words of whoever sent these headers.
fn words_for<'a>(app: &'a App, headers: &HeaderMap) -> Words<'a> {
    Words::new(app.catalogue(), crate::language::of(headers, app.language()))
}

/// A rendered page. None of them is for a cache: each may say who somebody is. Which language it is in, is said on the way out.
fn page(status: StatusCode, view: &impl Template) -> Result<Response, Failure> {
    let html = view.render().map_err(|error| Failure::internal(&error))?;
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
