//! A small application on the front door, and browsers that talk to it in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cloakroom::{
    CookieSettings, FormToken, IssueError, Keep, LoggedOut, NotAUse, Outcome, Policy, Principal, Recent, Rejection,
    ReplaceError, Session, SessionId, Sessions, Strict, Timestamp, Unavailable, Validation,
};
use cloakroom_core::store::SessionStore;
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::world::{ManualClock, PredictableRandom};
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::watched::{Handed, Watched};

pub(crate) const COOKIE_NAME: &str = "__Host-cloakroom";

pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) sessions: Sessions,
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) clock: Arc<ManualClock>,
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(Policy::default(), CookieSettings::host(), Arc::new(MemoryStore::new()))
    }

    pub(crate) fn with_policy(policy: Policy) -> Self {
        Self::with(policy, CookieSettings::host(), Arc::new(MemoryStore::new()))
    }

    pub(crate) fn with(policy: Policy, cookie: CookieSettings, store: Arc<dyn SessionStore>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_790_000_000_000)));
        Self::at(clock, policy, cookie, store, Validation::Strict)
    }

    /// On a store that is watched, and validated so.
    pub(crate) fn watched(policy: Policy, validation: Validation) -> (Self, Arc<Watched>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_790_000_000_000)));
        let store = Watched::new(&clock);
        let handed = Arc::new(Handed(Arc::clone(&store)));
        (Self::at(clock, policy, CookieSettings::host(), handed, validation), store)
    }

    /// Another instance on the same store, under the same clock.
    pub(crate) fn beside(&self, store: Arc<dyn SessionStore>) -> Self {
        let policy = self.sessions.policy().clone();
        let validation = self.sessions.validation();
        Self::at(Arc::clone(&self.clock), policy, CookieSettings::host(), store, validation)
    }

    /// Another instance on the same store, under the same clock and another policy.
    pub(crate) fn under(&self, policy: Policy) -> Self {
        Self::at(Arc::clone(&self.clock), policy, CookieSettings::host(), Arc::clone(&self.store), Validation::Strict)
    }

    fn at(
        clock: Arc<ManualClock>,
        policy: Policy,
        cookie: CookieSettings,
        store: Arc<dyn SessionStore>,
        validation: Validation,
    ) -> Self {
        static SEEDS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let seed = SEEDS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) << 32;
        let random = Arc::new(PredictableRandom::from_seed(seed));
        let builder = Sessions::builder().policy(policy).cookie(cookie).validation(validation);
        let sessions = builder.world(Arc::clone(&clock) as _, random).store(Arc::clone(&store)).unwrap();
        let router = routes().layer(sessions.layer());
        Self { router, sessions, store, clock }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: Vec::new() }
    }

    pub(crate) async fn logged_in(&self, subject: &str) -> Browser {
        let mut browser = self.browser();
        assert_eq!(browser.post(&format!("/login/{subject}")).await.status, 204);
        browser
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    pub(crate) async fn only_record(&self) -> cloakroom::SessionRecord {
        let everything = cloakroom_core::store::ListQuery { limit: 2, ..Default::default() };
        let [record] = &self.store.list(everything).await.unwrap().sessions[..] else {
            panic!("not exactly one session")
        };
        record.clone()
    }

    pub(crate) async fn rows(&self) -> usize {
        let everything = cloakroom_core::store::ListQuery { limit: 500, ..Default::default() };
        self.store.list(everything).await.unwrap().sessions.len()
    }
}

fn routes() -> Router {
    Router::new()
        .route("/login/{subject}", post(log_in))
        .route("/keep/{subject}", post(log_in_and_keep))
        .route("/logout", post(async |session: Session| session.log_out().await))
        .route("/logout-anyway", post(async |sessions: Sessions| sessions.log_out().await))
        .route("/me", get(async |principal: Principal| principal.subject().to_string()))
        .route("/peek", get(async |principal: Principal| (NotAUse, principal.last_seen_at().to_string())))
        .route("/maybe", get(maybe))
        .route("/outcome", get(async |outcome: Outcome| format!("{outcome:?}")))
        .route("/replace", post(async |session: Session| session.replace().await))
        .route("/step-up", post(async |mut session: Session| session.step_up().await))
        .route("/step-up-then/{what}", post(step_up_then))
        .route("/recent", get(async |Recent(principal): Recent| principal.authenticated_at().to_string()))
        .route("/form-token", get(async |form_token: FormToken| form_token.value().to_owned()))
        .route("/form/{sent}", post(async |form: FormToken, Path(sent): Path<String>| form.matches(&sent).to_string()))
        .route("/others", post(others))
        .route("/all", post(all))
        .route("/end/{id}", post(end))
        .route("/list", get(list))
        .route("/strict", get(async |Strict(principal): Strict| principal.subject().to_string()))
        .route("/until-ended", get(async |session: Session| format!("{:?}", session.ended().await)))
        .route("/unused-until", get(async |session: Session| session.unused_until().as_millis().to_string()))
        .route("/past", get(past))
        .route("/public", get(async || "anyone"))
}

async fn log_in(sessions: Sessions, Path(subject): Path<String>) -> Result<impl IntoResponse, IssueError> {
    sessions.begin().await?.issue(&subject).await
}

async fn log_in_and_keep(sessions: Sessions, Path(subject): Path<String>) -> Result<impl IntoResponse, IssueError> {
    sessions.begin().await?.keep(Keep::SignedIn).issue(&subject).await
}

async fn maybe(principal: Option<Principal>) -> Result<String, Rejection> {
    Ok(principal.map_or_else(|| "nobody".to_owned(), |principal| principal.subject().to_string()))
}

async fn step_up_then(mut session: Session, Path(what): Path<String>) -> Result<Response, ReplaceError> {
    let old = session.token_digest();
    let stepped_up = session.step_up().await?;
    Ok(match what.as_str() {
        "others" => (stepped_up, Json(session.end_others().await?)).into_response(),
        "nothing" => (stepped_up, (session.token_digest() != old).to_string()).into_response(),
        "page" => {
            let form_token = stepped_up.form_token().value().to_owned();
            (stepped_up, form_token).into_response()
        }
        "all" => session.end_all().await?.1.into_response(),
        _ => session.log_out().await?.into_response(),
    })
}

async fn others(session: Session) -> Result<Json<u64>, Unavailable> {
    Ok(Json(session.end_others().await?))
}

async fn all(session: Session) -> Result<(LoggedOut, Json<u64>), Unavailable> {
    let (ended, out) = session.end_all().await?;
    Ok((out, Json(ended)))
}

async fn end(session: Session, Path(id): Path<String>) -> Result<Response, Unavailable> {
    let Ok(id) = id.parse::<SessionId>() else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let status = if session.end_own(id).await? { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
    Ok(status.into_response())
}

async fn past(sessions: Sessions) -> Result<String, Unavailable> {
    let past = sessions.past().await?;
    Ok(past.map_or_else(String::new, |past| format!("{} {} {:?}", past.reason, past.at.as_millis(), past.after)))
}

async fn list(session: Session) -> Result<String, Unavailable> {
    let ids: Vec<_> = session.list(None, 100).await?.iter().map(|record| record.id.to_string()).collect();
    Ok(ids.join(" "))
}

/// What a client sees of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) set_cookies: Vec<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

/// Keeps cookies as a browser does, by name.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookies: Vec<(String, String)>,
}

impl Browser {
    pub(crate) fn at(&self, app: &App) -> Self {
        Self { router: app.router.clone(), cookies: self.cookies.clone() }
    }

    pub(crate) fn with_cookie(mut self, name: &str, value: &str) -> Self {
        self.cookies.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn token(&self) -> &str {
        &self.cookies.last().expect("no cookie").1
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path).await
    }

    pub(crate) async fn post(&mut self, path: &str) -> Answer {
        self.send("POST", path).await
    }

    async fn send(&mut self, method: &str, path: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(USER_AGENT, "Test/1");
        if !self.cookies.is_empty() {
            let line: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, line.join("; "));
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let answer = Answer {
            status: parts.status.as_u16(),
            set_cookies: parts.headers.get_all(SET_COOKIE).iter().map(|v| v.to_str().unwrap().to_owned()).collect(),
            cache_control: text(CACHE_CONTROL),
            headers: parts.headers.clone(),
            body: String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
        };
        self.take_cookies(&answer.set_cookies);
        answer
    }

    fn take_cookies(&mut self, set_cookies: &[String]) {
        for line in set_cookies {
            let (pair, attributes) = line.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(kept, _)| kept != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}
