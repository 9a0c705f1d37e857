//! Requests by what they are for, and how long they took. The class comes from the declared route, never from the path.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use cloakroom::Latency;
use cloakroom_core::time::Steady;

use super::text::Text;
use crate::app::App;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
enum Class {
    Page,
    Login,
    Logout,
    Api,
    Admin,
    Auth,
    Asset,
    Health,
    /// No declared route.
    None,
}

const CLASSES: [(Class, &str); 9] = [
    (Class::Page, "page"),
    (Class::Login, "login"),
    (Class::Logout, "logout"),
    (Class::Api, "api"),
    (Class::Admin, "admin"),
    (Class::Auth, "auth"),
    (Class::Asset, "asset"),
    (Class::Health, "health"),
    (Class::None, "none"),
];

const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Class {
    /// Of a declared route, such as `/account/sessions/{id}/end`.
    fn of(method: &Method, route: Option<&str>) -> Self {
        let Some(route) = route else { return Self::None };
        let is_below = |prefix: &str| route.strip_prefix(prefix).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        match route {
            "/login" | "/setup/{code}" if method != Method::POST => Self::Page,
            "/login" | "/setup/{code}" | "/api/v1/login" => Self::Login,
            "/logout" | "/api/v1/logout" => Self::Logout,
            "/healthz" | "/readyz" => Self::Health,
            _ if is_below("/admin") || is_below("/api/v1/admin") => Self::Admin,
            _ if is_below("/auth") => Self::Auth,
            _ if is_below("/api") => Self::Api,
            _ if is_below("/assets") => Self::Asset,
            _ => Self::Page,
        }
    }
}

/// What was asked over HTTP.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    by_class: [OfClass; CLASSES.len()],
}

#[derive(Debug, Default)]
struct OfClass {
    answers: [AtomicU64; STATUSES.len()],
    latency: Latency,
}

impl Requests {
    fn note(&self, class: Class, status: StatusCode, began: Steady, now: Steady) {
        let Some(of_class) = self.by_class.get(class as usize) else { return };
        let at = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(answers) = of_class.answers.get(at) {
            answers.fetch_add(1, Ordering::Relaxed);
        }
        of_class.latency.note(now.since(began));
    }

    pub(super) fn show(&self, to: &mut Text<'_>) -> fmt::Result {
        let by_class = || CLASSES.iter().zip(&self.by_class);
        let answers = by_class().flat_map(|((_, class), counts)| {
            let of_status = STATUSES.iter().zip(&counts.answers);
            of_status.map(|(status, count)| ([("class", *class), ("status", *status)], count.load(Ordering::Relaxed)))
        });
        to.counters("http_requests", "Requests answered, by what they are for and the answer's status.", answers)?;
        let latencies = by_class().map(|((_, class), counts)| (("class", *class), counts.latency.read()));
        to.latencies("http_request_seconds", "From the request's head to the answer's, by what it is for.", latencies)
    }
}

/// Counts and times a request.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let (class, began) = (Class::of(request.method(), route), app.steady());
    let response = next.run(request).await;
    app.metrics().requests.note(class, response.status(), began, app.steady());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_at_their_place_and_routes_in_their_class() {
        for (at, (class, _)) in CLASSES.iter().enumerate() {
            assert_eq!(*class as usize, at);
        }
        for (method, route, class) in [
            (Method::GET, Some("/login"), Class::Page),
            (Method::POST, Some("/login"), Class::Login),
            (Method::POST, Some("/api/v1/login"), Class::Login),
            (Method::POST, Some("/api/v1/logout"), Class::Logout),
            (Method::GET, Some("/api/v1/admin/sessions"), Class::Admin),
            (Method::GET, Some("/administer"), Class::Page),
            (Method::GET, Some("/admin"), Class::Admin),
            (Method::GET, Some("/api/v1/session"), Class::Api),
            (Method::GET, Some("/assets/{name}"), Class::Asset),
            (Method::GET, Some("/readyz"), Class::Health),
            (Method::GET, Some("/"), Class::Page),
            (Method::GET, None, Class::None),
        ] {
            assert_eq!(Class::of(&method, route), class, "{method} {route:?}");
        }
    }
}
