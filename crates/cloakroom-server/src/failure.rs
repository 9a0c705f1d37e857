//! The one place where a failure becomes a response: a problem for programs, a page for people.
//!
//! Handlers return a [`Failure`]; it travels as a response extension to [`render`], which alone knows the request's
//! language, its id and who asks. Nothing internal is ever in an answer: causes go to the log under the request id.

use std::time::Duration;

use askama::Template as _;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cloakroom::{Code, IssueError, Rejection, ReplaceError, Unavailable};
use cloakroom_core::event::EventKind;
use cloakroom_core::return_target::ReturnTarget;
use cloakroom_core::store::StoreError;
use serde_json::Value;

use crate::api;
use crate::app::App;
use crate::events::Happened;
use crate::fields::{Complaint, FieldError};
use crate::language;
use crate::locale::Locale;
use crate::openapi;
use crate::request_id::RequestId;
use crate::view::{ErrorPage, Words};

/// A request that is refused or could not be served.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    code: Code,
    errors: Vec<FieldError>,
    /// When to try again, where it says so.
    retry_after: Duration,
    /// What the log and the database are told of it.
    happened: Vec<Happened>,
    /// What it is answered with besides, where who asks is an application and no person.
    of_service: Option<&'static str>,
}

/// For want of a registered scheme (RFC 9110 section 15.5.2).
const CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Cookie realm="cloakroom", form-action="/login""#);

/// RFC 6750 section 3.
const SERVICE_CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Bearer realm="cloakroom""#);

/// What pages are.
const HTML: &str = "text/html; charset=utf-8";

/// When to try again what failed because of us.
const RETRY_SOON: Duration = Duration::from_secs(2);

impl Failure {
    /// A failure of this code.
    pub(crate) const fn of(code: Code) -> Self {
        Self { code, errors: Vec::new(), retry_after: RETRY_SOON, happened: Vec::new(), of_service: None }
    }

    /// `invalid_input` with its complaints.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::of(Code::InvalidInput) }
    }

    /// `throttled`, until so much time has passed.
    pub(crate) fn throttled(wait: Duration) -> Self {
        Self { retry_after: wait, ..Self::of(Code::Throttled) }
    }

    /// Of an application: the message that says what is wrong with its service token, and what to do next.
    pub(crate) fn of_service(self, message: &'static str) -> Self {
        Self { of_service: Some(message), ..self }
    }

    /// With what happened, where the code alone does not say it.
    pub(crate) fn with(self, happened: impl IntoIterator<Item = Happened>) -> Self {
        Self { happened: happened.into_iter().collect(), ..self }
    }

    /// The same as a complaint about a field, where the credential of a form was wrong.
    pub(crate) fn of_field(self, field: &'static str) -> Self {
        match self.code {
            Code::InvalidCredentials => {
                let errors = vec![FieldError::new(field, Complaint::NotThePassword)];
                Self::invalid(errors).with(self.happened)
            }
            _ => self,
        }
    }

    /// What every answer to it carries, whoever made it: what happened, when to try again, and to whom to prove who one is.
    pub(crate) fn told_by(&self, mut response: Response) -> Response {
        for happened in self.happened() {
            happened.join(response.extensions_mut());
        }
        if self.code.retries() {
            // In whole seconds that are enough (RFC 9110 section 10.2.3).
            let seconds = u64::try_from(self.retry_after.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = if self.of_service.is_some() { SERVICE_CHALLENGE } else { CHALLENGE };
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// What happened, if it is a matter of security.
    fn happened(&self) -> Vec<Happened> {
        let by_code = match self.code {
            _ if !self.happened.is_empty() => return self.happened.clone(),
            Code::CrossSite => Some(Happened::new(EventKind::CrossSite)),
            Code::Throttled => Some(Happened::new(EventKind::RateLimit)),
            Code::Forbidden | Code::StepUpRequired => {
                Some(Happened::new(EventKind::AuthzFail).because(self.code.as_str()))
            }
            _ => None,
        };
        by_code.into_iter().collect()
    }

    /// The code.
    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    /// The code's status.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The complaints about fields.
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// A mistake of ours; its cause goes to the log and nowhere else.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "internal failure");
        Self::of(Code::Internal)
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let code = rejection.code();
        let failure = Self::of(code);
        match code {
            // Validation says so of a token that was presented.
            Code::SessionIdle | Code::SessionAbsolute | Code::SessionRevoked => {
                failure.with([Happened::new(EventKind::UseAfterEnd).because(code.as_str())])
            }
            _ => failure,
        }
    }
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        log_store(&error);
        Self::of(error.code())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Unavailable::from(error).into()
    }
}

impl From<IssueError> for Failure {
    fn from(error: IssueError) -> Self {
        if !error.is_overtaken() {
            log_store(&error);
        }
        Self::of(error.code())
    }
}

impl From<ReplaceError> for Failure {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Gone => Self::of(Code::SessionRevoked),
            ReplaceError::Random => Self::of(Code::Unavailable),
            ReplaceError::Unavailable(error) => error.into(),
        }
    }
}

fn log_store(error: &dyn std::error::Error) {
    let cause = error.source().map_or_else(String::new, ToString::to_string);
    tracing::error!(%error, cause, "session store failed");
}

impl IntoResponse for Failure {
    /// Only marks the response: [`render`] makes the answer of it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Turns every failure on its way out into an answer in the language of whoever asked, and says of every page which language it is in.
pub(crate) async fn render(State(app): State<App>, request: Request, next: Next) -> Response {
    let asked = Asked::of(&request, app.language());
    let mut response = next.run(request).await;
    let marked = response.extensions_mut().remove::<Failure>();
    let rejected = response.extensions_mut().remove::<Rejection>().map(Failure::from);
    // An address that is no UTF-8 is refused before any handler: nothing is there.
    let nowhere = (response.status() == StatusCode::BAD_REQUEST).then(|| Failure::of(Code::NotFound));
    let Some(failure) = marked.or(rejected).or(nowhere) else {
        if response.headers().get(CONTENT_TYPE).is_some_and(|kind| *kind == HTML) {
            language::mark(response.headers_mut(), asked.locale);
        }
        return response;
    };
    *response.status_mut() = failure.status();
    response = failure.told_by(response);
    // Why somebody was refused just now is nobody's answer later (RFC 9111 5.2.2.5).
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if asked.is_page && needs_login(failure.code) {
        return to_login(response, &asked);
    }
    let (body, content_type) = if asked.is_page {
        (page(&app, &failure, &asked), HTML)
    } else {
        (
            problem(&Words::new(app.catalogue(), asked.locale), &failure, &asked.id.to_string()).to_string(),
            "application/problem+json",
        )
    };
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    language::mark(headers, asked.locale);
    response
}

/// What is needed of the request once it is gone.
struct Asked {
    is_page: bool,
    /// Where to come back to after a login.
    path: String,
    locale: Locale,
    id: RequestId,
}

impl Asked {
    fn of(request: &Request, default: Locale) -> Self {
        let path = request.uri().path();
        let is_page = !api::is_path_of(path) && !["/healthz", "/readyz", openapi::PATH].contains(&path);
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let back = if is_read { path } else { "/account" };
        Self {
            is_page,
            path: back.to_owned(),
            locale: language::of(request.headers(), default),
            id: request.extensions().get::<RequestId>().copied().unwrap_or_default(),
        }
    }
}

const fn needs_login(code: Code) -> bool {
    matches!(code, Code::LoginRequired | Code::SessionIdle | Code::SessionAbsolute | Code::SessionRevoked)
}

/// A person without a session is led to the login page, which says why and leads back.
fn to_login(mut response: Response, asked: &Asked) -> Response {
    let back = percent_encoding::utf8_percent_encode(&asked.path, percent_encoding::NON_ALPHANUMERIC);
    let location = HeaderValue::from_str(&format!("/login?return_to={back}"));
    *response.status_mut() = StatusCode::SEE_OTHER;
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(CONTENT_TYPE);
    response.headers_mut().remove(WWW_AUTHENTICATE);
    response.headers_mut().insert(LOCATION, location.unwrap_or(HeaderValue::from_static("/login")));
    response
}

/// What a program is told.
pub(crate) fn problem(words: &Words<'_>, failure: &Failure, request_id: &str) -> Value {
    let said = failure.of_service.map_or_else(|| words.of_code(failure.code), |message| words.titled(message));
    let mut problem = serde_json::json!({
        "type": format!("urn:cloakroom:problem:{}", failure.code),
        "title": said.title, "status": failure.code.status(), "detail": said.detail,
        "code": failure.code.as_str(), "request_id": request_id,
    });
    if failure.code == Code::InvalidInput {
        let said = |error: &FieldError| serde_json::json!({ "field": error.field, "message": words.of_complaint(&error.complaint) });
        problem["errors"] = failure.errors.iter().map(said).collect();
    }
    problem
}

fn page(app: &App, failure: &Failure, asked: &Asked) -> String {
    let words = Words::new(app.catalogue(), asked.locale);
    let said = |error: &FieldError| (error.field.clone(), words.of_complaint(&error.complaint));
    let view = ErrorPage {
        words,
        message: words.of_code(failure.code),
        errors: failure.errors.iter().map(said).collect(),
        request_id: asked.id.to_string(),
        here: ReturnTarget::parse(&asked.path).map_or_else(|| "/".to_owned(), |here| here.to_string()),
    };
    view.render().unwrap_or_else(|error| {
        tracing::error!(%error, "the error page cannot be rendered");
        failure.code.to_string()
    })
}
