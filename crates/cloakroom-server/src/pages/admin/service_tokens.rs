//! `GET` and `POST /admin/service-tokens`: credentials of applications, and a form that makes one; `GET` and `POST
//! /admin/service-tokens/remove` ask, and remove one. Its name is never part of a path: it may be `..`.

use std::cmp::Reverse;

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cloakroom::{Code, Timestamp};
use cloakroom_core::service_token::{SERVICE_TOKEN_NAME_BYTES_MAX, Scope, ServiceTokenName, ServiceTokenRecord};

use crate::administration::{Act, Done};
use crate::afterwards::Task;
use crate::app::App;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError, Fields};
use crate::filter;
use crate::pages::admin::{Sent, Shown, notice};
use crate::pages::{Visit, page};
use crate::view::Complaints;
use crate::view::admin::service_tokens::{MadePage, RemovePage, ServiceTokensPage, ShownToken, Typed};

/// Where they are.
pub(super) const ADDRESS: &str = "/admin/service-tokens";
/// Service tokens on a page.
const LIMIT: usize = 50;
/// Where a page begins, in its address: after the one that was made then and has this name.
const AFTER: &str = "after";

/// What service tokens are ordered by: newest first, and by name those of one moment.
type Position = (Reverse<Timestamp>, ServiceTokenName);

fn position(record: &ServiceTokenRecord) -> Position {
    (Reverse(record.created_at), record.name.clone())
}

fn written(record: &ServiceTokenRecord) -> String {
    format!("{}.{}", record.created_at.as_millis(), record.name)
}

fn read(text: &str) -> Option<Position> {
    let (millis, name) = text.split_once('.')?;
    Some((Reverse(Timestamp::from_millis(millis.parse().ok()?)), ServiceTokenName::new(name).ok()?))
}

/// Shows service tokens, newest first.
pub(crate) async fn get(Shown(visit): Shown, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let notice = notice(&mut fields).map(|notice| notice.said(visit.words()));
    let after = fields.optional(AFTER).map(|text| read(&text));
    if matches!(after, Some(None)) {
        fields.complain(AFTER, Complaint::NotAllowed);
    }
    fields.finish()?;
    let view = ServiceTokensPage { notice, ..list(&visit, after.flatten()).await? };
    page(StatusCode::OK, &view)
}

/// So many after one. There can be no more than a store tells at once.
async fn list(visit: &Visit, after: Option<Position>) -> Result<ServiceTokensPage<'_>, Failure> {
    let (words, now) = (visit.words(), visit.app.now());
    let mut tokens = visit.app.accounts().service_tokens().await?;
    tokens.sort_by_cached_key(position);
    let is_first = after.is_none();
    tokens.retain(|token| after.as_ref().is_none_or(|after| position(token) > *after));
    let last = tokens.get(LIMIT - 1).filter(|_| tokens.len() > LIMIT);
    let next = last.map(|last| filter::query([(AFTER, written(last).as_str())]));
    tokens.truncate(LIMIT);
    Ok(ServiceTokensPage {
        words,
        form_token: &visit.form_token,
        expires: visit.expires(),
        notice: None,
        typed: Typed::default(),
        complaints: Complaints::default(),
        tokens: tokens.iter().map(|token| ShownToken::new(words, token, now)).collect(),
        is_first,
        next,
    })
}

/// The page again, with what was typed and what is wrong with it.
async fn complaining(visit: &Visit, typed: Typed, errors: &[FieldError]) -> Result<Response, Failure> {
    let view = ServiceTokensPage { typed, ..list(visit, None).await? }.complaining(errors);
    page(StatusCode::UNPROCESSABLE_ENTITY, &view)
}

/// Makes a service token.
pub(crate) async fn add(mut sent: Sent) -> Result<Response, Failure> {
    let name = name(&mut sent.fields);
    let scope = sent.fields.text("scope");
    let scope = if scope.is_empty() { None } else { Some(scope.parse::<Scope>()) };
    if matches!(scope, Some(Err(_))) {
        sent.fields.complain("scope", Complaint::NotAllowed);
    }
    let Sent { asked, fields } = sent;
    let errors = fields.into_errors();
    let scope = scope.and_then(Result::ok);
    match (name, scope) {
        (Ok(name), Some(scope)) if errors.is_empty() => {
            asked.answer(Task { act: Act::AddServiceToken(name, scope), back: None }).await
        }
        // Those there are, are shown to whoever has just proven the password, and to nobody else.
        (name, scope) if asked.recent.is_ok() => {
            let name = name.map_or_else(|typed| typed, |name| name.to_string());
            complaining(&asked.visit, Typed { name, scope: scope.unwrap_or_default() }, &errors).await
        }
        _ => Err(Failure::invalid(errors)),
    }
}

/// The name of one, or what was typed, after a complaint.
fn name(fields: &mut Fields) -> Result<ServiceTokenName, String> {
    let typed = fields.optional("name").unwrap_or_default().trim().to_owned();
    ServiceTokenName::new(&typed).map_err(|_| {
        let complaint = match typed.len() {
            0 => Complaint::Missing,
            1..=SERVICE_TOKEN_NAME_BYTES_MAX => Complaint::NotAllowed,
            _ => Complaint::TooLong,
        };
        fields.complain("name", complaint);
        typed.chars().take(255).collect()
    })
}

/// Makes it, and shows it: in this answer and in no other.
pub(super) async fn made(visit: &Visit, name: ServiceTokenName, scope: Scope) -> Result<Response, Failure> {
    let act = Act::AddServiceToken(name.clone(), scope);
    let done = act.carry_out(&visit.app, &visit.sessions, &visit.session).await;
    let Done { made: Some(token), happened, .. } = (match done {
        Err(failure) if failure.code() == Code::InvalidInput => {
            let typed = Typed { name: name.to_string(), scope };
            return complaining(visit, typed, failure.errors()).await;
        }
        done => done?,
    }) else {
        return Err(Failure::of(Code::Internal));
    };
    let view = MadePage {
        words: visit.words(),
        form_token: &visit.form_token,
        expires: visit.expires(),
        name: name.to_string(),
        scope,
        token: token.reveal(),
    };
    Ok((happened, page(StatusCode::OK, &view)?).into_response())
}

/// Asks whether one is to be removed, and says when it was last used.
pub(crate) async fn ask(Shown(visit): Shown, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let name = name(&mut fields);
    fields.finish()?;
    let token = match name {
        Ok(name) => record_of(&visit.app, &name).await?,
        Err(_) => return Err(Failure::of(Code::NotFound)),
    };
    let view = RemovePage {
        words: visit.words(),
        form_token: &visit.form_token,
        expires: visit.expires(),
        token: ShownToken::new(visit.words(), &token, visit.app.now()),
    };
    page(StatusCode::OK, &view)
}

/// Removes one.
pub(crate) async fn remove(mut sent: Sent) -> Result<Response, Failure> {
    let name = name(&mut sent.fields);
    sent.fields.finish()?;
    let Ok(name) = name else { return Err(Failure::of(Code::NotFound)) };
    record_of(&sent.asked.visit.app, &name).await?;
    sent.asked.answer(Task { act: Act::RemoveServiceToken(name), back: None }).await
}

async fn record_of(app: &App, name: &ServiceTokenName) -> Result<ServiceTokenRecord, Failure> {
    let found = app.accounts().service_tokens().await?.into_iter().find(|token| token.name == *name);
    found.ok_or(Failure::of(Code::NotFound))
}
