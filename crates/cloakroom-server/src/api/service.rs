//! The service API, for applications that check credentials themselves: `POST /api/v1/service/sessions` issues a session,
//! `…/verify` says whose a token is, `…/end` ends sessions, `GET /api/v1/service/sessions?subject=S` lists them.

use std::net::IpAddr;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use cloakroom::{
    AuthMethod, ClientFacts, Code, EndReason, Keep, Outcome, Rejection, SessionId, Subject, Target, Token,
};
use cloakroom_core::event::EventKind;
use futures_util::future::join_all;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::api::ended::{Ended, many};
use crate::api::paging::{Page, paged};
use crate::api::session::{auth_method, example, listed_for, shown};
use crate::app::App;
use crate::events::Happened;
use crate::failure::Failure;
use crate::fields::{Complaint, Fields};
use crate::openapi::{self, Caller, EXAMPLE_ID, EXAMPLE_TOKEN, Operation, object, of, uuid};
use crate::service_token::Application;

/// Most tokens that are verified at once.
const TOKENS_MAX: usize = 1_000;
/// How many of them are looked up at a time.
const TOGETHER: usize = 64;

/// Issues a session for a subject that the application has authenticated. The token is in this answer and nowhere else.
pub(crate) async fn create(
    State(app): State<App>,
    application: Application,
    request: Request<Body>,
) -> Result<Response, Failure> {
    // Before anything is read: what is revoked from here on, this login does not outlive.
    let attempt = app.sessions().begin().await?;
    let mut fields = Fields::from_json(request).await?;
    let subject = subject(&mut fields);
    let user_agent = fields.optional("user_agent");
    let ip = fields.optional("ip").map(|text| text.parse::<IpAddr>());
    if matches!(ip, Some(Err(_))) {
        fields.complain("ip", Complaint::NotAllowed);
    }
    let method = fields.optional("auth_method").map(|text| AuthMethod::new(text.as_str()));
    if matches!(method, Some(Err(_))) {
        fields.complain("auth_method", Complaint::NotAllowed);
    }
    let keep = if fields.flag("keep") { Keep::SignedIn } else { Keep::default() };
    fields.finish()?;
    let Some(subject) = subject else { return Err(Failure::of(Code::InvalidInput)) };
    let client = ClientFacts::new(user_agent.as_ref().map(|text| text.as_str()), ip.and_then(Result::ok));
    let attempt = attempt.keep(keep).client(client.clone());
    let attempt = match method.and_then(Result::ok) {
        Some(method) => attempt.method(method),
        None => attempt,
    };
    let issued = attempt.issue_token(&subject).await?;
    tracing::info!(service_token = %application.name, session.id = %issued.principal().session_id(), "issued for an application");
    let client = client.keeping(app.sessions().policy().client_address);
    let happened = |kind| Happened::by(kind, issued.principal()).because("service").of_client(client.clone());
    let over_cap = (issued.over_cap() > 0).then(|| happened(EventKind::SessionsExceeded));
    let text = issued.token().reveal();
    let body = json!({ "token": text.as_str(), "session": shown(issued.principal(), false) });
    let answer = (happened(EventKind::LoginSuccess), over_cap, [(CACHE_CONTROL, "no-store")], Json(body));
    Ok((StatusCode::CREATED, answer).into_response())
}

/// Says whose session a token is of, or each of many; counts as use unless `background` is true.
pub(crate) async fn verify(
    State(app): State<App>,
    _application: Application,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_json(request).await?;
    let is_many = fields.has("tokens");
    let many = fields.list("tokens", TOKENS_MAX);
    let one = if is_many { fields.optional("token") } else { Some(fields.text("token")) };
    if is_many && one.is_some() {
        fields.complain("token", Complaint::NotAllowed);
    }
    let is_use = !fields.flag("background");
    fields.finish()?;
    let body = match (many, one) {
        (Some(texts), _) => {
            let mut sessions = Vec::with_capacity(texts.len());
            for together in texts.chunks(TOGETHER) {
                let outcomes = join_all(together.iter().map(|text| outcome(&app, text, is_use))).await;
                sessions.extend(outcomes.into_iter().map(answered));
            }
            json!({ "sessions": sessions })
        }
        (None, Some(text)) => match outcome(&app, &text, is_use).await {
            Outcome::Active(principal) => json!({ "session": shown(&principal, false) }),
            Outcome::Ended(reason) => return Err(Rejection::from(reason).into()),
            Outcome::Anonymous => return Err(Failure::of(Code::LoginRequired)),
            Outcome::Unavailable => return Err(Failure::of(Code::Unavailable)),
        },
        (None, None) => return Err(Failure::of(Code::InvalidInput)),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

async fn outcome(app: &App, text: &Zeroizing<String>, is_use: bool) -> Outcome {
    match Token::parse(text) {
        Ok(token) if is_use => app.sessions().verify(&token).await,
        Ok(token) => app.sessions().verify_without_use(&token).await,
        Err(_) => Outcome::Anonymous,
    }
}

/// One of many: a session, or the code of why there is none.
fn answered(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Active(principal) => json!({ "session": shown(&principal, false) }),
        Outcome::Ended(reason) => json!({ "code": Rejection::from(reason).code().as_str() }),
        Outcome::Anonymous => json!({ "code": Code::LoginRequired.as_str() }),
        Outcome::Unavailable => json!({ "code": Code::Unavailable.as_str() }),
    }
}

/// Ends the session of a token or an id, or all of a subject. Asking again is as welcome, and ends none.
pub(crate) async fn end(
    State(app): State<App>,
    _application: Application,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_json(request).await?;
    let waits = fields.flag("everywhere");
    let named = ["token", "id", "subject"].map(|field| !fields.peek(field).is_empty());
    let target = match named {
        [true, false, false] => Token::parse(&fields.text("token")).ok().map(|token| Target::Token(token.digest())),
        [false, true, false] => {
            let id = fields.text("id").parse::<SessionId>().ok();
            if id.is_none() {
                fields.complain("id", Complaint::NotAllowed);
            }
            id.map(Target::Session)
        }
        [false, false, true] => subject(&mut fields).map(Target::Subject),
        [false, false, false] => {
            fields.complain("token", Complaint::Missing);
            None
        }
        _ => {
            for field in ["token", "id", "subject"] {
                let _taken = fields.optional(field);
            }
            fields.complain("token", Complaint::NotAllowed);
            None
        }
    };
    fields.finish()?;
    // What is no token is nobody's.
    let Some(target) = target else { return Ok(Ended::Many(0).answer(app.sessions(), waits, ()).await) };
    let happened = match &target {
        Target::Subject(subject) => Happened::new(EventKind::TokenRevoked).to(subject),
        Target::Session(id) => Happened::new(EventKind::TokenRevoked).session(*id),
        _ => Happened::new(EventKind::SessionLogout),
    };
    let reason = match &target {
        Target::Token(_) => EndReason::Logout,
        Target::Session(_) => EndReason::Administrator,
        _ => EndReason::SubjectWide,
    };
    let ended = app.sessions().end(target, reason).await?;
    let happened = (ended > 0).then(|| happened.because("service"));
    Ok(Ended::Many(ended).answer(app.sessions(), waits, happened).await)
}

/// Lists a subject's living sessions, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    _application: Application,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let (asked, subject) = (Page::asked(&mut fields), subject(&mut fields));
    fields.finish()?;
    let Some(subject) = subject else { return Err(Failure::of(Code::InvalidInput)) };
    let mut page = app.sessions().list(&subject, asked.before, asked.fetched()).await?;
    let next = asked.cut(&mut page);
    let sessions: Vec<_> = page.iter().map(|record| listed_for(app.sessions(), record)).collect();
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "sessions": sessions, "next_cursor": next }))))
}

/// The field `subject`; `None` after a complaint.
fn subject(fields: &mut Fields) -> Option<Subject> {
    let text = fields.text("subject");
    let subject = Subject::new(text.as_str()).ok();
    if subject.is_none() && !text.is_empty() {
        fields.complain("subject", Complaint::NotAllowed);
    }
    subject
}

/// How they are described.
pub(crate) fn described() -> [Operation; 4] {
    let all = "/api/v1/service/sessions";
    let operation = |method, path, name, summary| Operation::new(method, path, name, summary).by(Caller::Application);
    let create = operation(Method::POST, all, "issueSession", "Issue a session")
        .says("For a subject that the application has authenticated, right after. `session_revoked`: what is revoked from the arrival of this request on, the session does not outlive.");
    let verify = operation(Method::POST, "/api/v1/service/sessions/verify", "verifyTokens", "Whose a token is")
        .says("Of one token: its session, or 401 with the reason; `WWW-Authenticate` says `Bearer` only where the service token is meant. Of many: each one's, in their order. On 503 try again: nobody is logged out.");
    let end = operation(Method::POST, "/api/v1/service/sessions/end", "endSessionsByName", "End sessions")
        .says("Of a token, an id or a subject. Asking again is as welcome, and ends none.");
    let list = operation(Method::GET, all, "listSessionsOfSubject", "A subject's living sessions");
    [
        paged(list).query("subject", &openapi::subject()),
        describe_create(create),
        describe_verify(verify),
        describe_end(end),
    ]
}

fn flag(about: &str) -> Value {
    json!({ "type": "boolean", "default": false, "description": about })
}

fn describe_create(operation: Operation) -> Operation {
    let ip = json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }], "description": "The client's address" });
    let mut method = auth_method("How the subject proved who it is");
    method["default"] = json!("password");
    let body = object([
        ("subject", openapi::subject()),
        ("user_agent?", json!({ "type": "string", "description": "Of the client; cut to 256 bytes" })),
        ("ip?", ip),
        ("auth_method?", method),
        ("keep?", flag("Keep signed in: the long timeouts")),
    ]);
    let asked = json!({ "subject": "user:7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0", "ip": "203.0.113.9" });
    let token = json!({ "type": "string", "pattern": "^ck1_[A-Za-z0-9_-]{43}$", "description": "For the application's cookie; shown here only" });
    let answer = object([("token", token), ("session", of("schemas", "Session"))]);
    let answered = json!({ "token": EXAMPLE_TOKEN, "session": example(false) });
    operation
        .reads(&[("subject", body, asked)])
        .answers(201, "Issued", &answer, &[("issued", answered)])
        .fails(&[Code::SessionRevoked])
}

fn describe_verify(operation: Operation) -> Operation {
    let reasons = [Code::LoginRequired, Code::SessionIdle, Code::SessionAbsolute, Code::SessionRevoked];
    let background = || flag("Do not count it as a use of the session");
    let token = json!({ "type": "string", "minLength": 1, "description": "As it came from the client; what is no token is nobody's" });
    let tokens = json!({ "type": "array", "items": { "type": "string" }, "maxItems": TOKENS_MAX });
    let session = object([("session", of("schemas", "Session"))]);
    let codes: Vec<_> = reasons.iter().chain(&[Code::Unavailable]).map(|code| code.as_str()).collect();
    let none = object([("code", json!({ "type": "string", "enum": codes, "description": "Why there is none" }))]);
    let sessions = object([("sessions", json!({ "type": "array", "items": { "oneOf": [session, none] } }))]);
    let answered = [
        ("one", json!({ "session": example(false) })),
        ("many", json!({ "sessions": [{ "session": example(false) }, { "code": "session_revoked" }] })),
    ];
    operation
        .reads(&[
            ("one", object([("token", token), ("background?", background())]), json!({ "token": EXAMPLE_TOKEN })),
            (
                "many",
                object([("tokens", tokens), ("background?", background())]),
                json!({ "tokens": [EXAMPLE_TOKEN, "nobody's"] }),
            ),
        ])
        .answers(200, "Its session, or each one's", &json!({ "oneOf": [session, sessions] }), &answered)
        .fails(&reasons)
}

fn describe_end(operation: Operation) -> Operation {
    let everywhere = || flag("Answer when no instance serves them any more");
    let token = json!({ "type": "string", "minLength": 1, "description": "The session of this token" });
    many(operation.reads(&[
        ("token", object([("token", token), ("everywhere?", everywhere())]), json!({ "token": EXAMPLE_TOKEN })),
        ("id", object([("id", uuid("This session")), ("everywhere?", everywhere())]), json!({ "id": EXAMPLE_ID })),
        (
            "subject",
            object([("subject", openapi::subject()), ("everywhere?", everywhere())]),
            json!({ "subject": "user:7", "everywhere": true }),
        ),
    ]))
}
