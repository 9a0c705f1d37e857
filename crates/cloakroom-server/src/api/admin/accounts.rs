//! `GET /api/v1/admin/accounts`, `POST /api/v1/admin/accounts/{subject}/disable` and `…/enable`, `DELETE
//! /api/v1/admin/accounts/{subject}`: others' accounts.

use axum::Json;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::request::Parts;
use axum::response::Response;
use cloakroom::{Code, Sessions, Subject};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::store::AccountAct;
use serde_json::{Value, json};

use crate::administration::{Act, Done};
use crate::administrator::Administrator;
use crate::api::ended::Ended;
use crate::api::paging::limit;
use crate::app::App;
use crate::everywhere;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::pages::admin::accounts::some;

/// Lists accounts by login name: all, the one of `login_name`, or those that begin with `prefix`.
pub(crate) async fn list(
    State(app): State<App>,
    Administrator(_): Administrator,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let limit = limit(&mut fields);
    let mut name = |field| (!fields.peek(field).is_empty()).then(|| fields.login_name(field)).flatten();
    let (exact, prefix, after) = (name("login_name"), name("prefix"), name("cursor"));
    fields.finish()?;
    let (accounts, next) = match exact {
        Some(name) => (app.accounts().by_login_name(name).await?.into_iter().collect(), None),
        None => some(&app, prefix, after, limit).await?,
    };
    let accounts: Vec<_> = accounts.iter().map(shown).collect();
    Ok(Json(json!({ "accounts": accounts, "next_cursor": next.as_ref().map(LoginName::as_str) })))
}

fn shown(account: &Account) -> Value {
    json!({
        "subject": account.subject.as_str(),
        "login_name": account.login_name.as_str(),
        "role": match account.role {
            Role::Person => "person",
            Role::Administrator => "administrator",
        },
        "created_at": account.created_at.to_string(),
        "disabled_at": account.disabled_at.map(|at| at.to_string()),
    })
}

/// A request about an account: whose it is, and whether the answer waits.
pub(crate) struct Change {
    app: App,
    administrator: Administrator,
    sessions: Sessions,
}

impl FromRequestParts<App> for Change {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let administrator = Administrator::from_request_parts(parts, app).await?;
        let sessions = Sessions::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), administrator, sessions })
    }
}

impl Change {
    async fn answer(self, act: AccountAct, subject: &str, query: Option<&str>) -> Result<Response, Failure> {
        let mut fields = Fields::from_query(query)?;
        let waits = everywhere::is_wanted(&mut fields);
        fields.finish()?;
        let subject = Subject::new(subject).map_err(|_| Failure::of(Code::NotFound))?;
        let Self { app, administrator: Administrator(session), sessions } = self;
        let Done { ended, happened, .. } = Act::Change(act, subject).carry_out(&app, &sessions, &session).await?;
        Ok(Ended::Many(ended).answer(&sessions, waits, happened).await)
    }
}

/// Disables an account and ends its sessions.
pub(crate) async fn disable(
    change: Change,
    Path(subject): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    change.answer(AccountAct::Disable, &subject, query.as_deref()).await
}

/// Lets an account log in again.
pub(crate) async fn enable(
    change: Change,
    Path(subject): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    change.answer(AccountAct::Enable, &subject, query.as_deref()).await
}

/// Removes an account and ends its sessions.
pub(crate) async fn remove(
    change: Change,
    Path(subject): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    change.answer(AccountAct::Remove, &subject, query.as_deref()).await
}
