//! `GET /api/v1/admin/accounts`, `POST /api/v1/admin/accounts/{subject}/disable` and `…/enable`, `DELETE
//! /api/v1/admin/accounts/{subject}`: others' accounts.

use axum::Json;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use cloakroom::{Code, Sessions, Subject};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::store::AccountAct;
use serde_json::{Value, json};

use crate::administration::{Act, Done};
use crate::administrator::Administrator;
use crate::api::ended::{Ended, many};
use crate::api::login;
use crate::api::paging::{limit, limited};
use crate::app::App;
use crate::everywhere;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::openapi::{self, Caller, Operation, date_time, object, of};
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

/// How they are described.
pub(crate) fn described() -> [Operation; 4] {
    let (all, this) = ("/api/v1/admin/accounts", "/api/v1/admin/accounts/{subject}");
    let operation = |method, path, name, summary| Operation::new(method, path, name, summary).by(Caller::Administrator);
    let change = |method, path, name, summary| many(operation(method, path, name, summary).waits());
    [
        describe_list(operation(Method::GET, all, "listAccounts", "Accounts, by login name")),
        change(Method::DELETE, this, "removeAccount", "Remove an account and end its sessions")
            .says("`invalid_input` about `subject`: nobody removes the own account. Subjects are never given to anybody else."),
        change(Method::POST, "/api/v1/admin/accounts/{subject}/disable", "disableAccount", "Disable an account and end its sessions")
            .says("Again is as welcome. `invalid_input` about `subject`: nobody disables the own account."),
        change(Method::POST, "/api/v1/admin/accounts/{subject}/enable", "enableAccount", "Let an account log in again")
            .says("Ends none. `invalid_input` about `subject`: nobody enables the own account."),
    ]
}

fn describe_list(operation: Operation) -> Operation {
    let next =
        json!({ "type": ["string", "null"], "description": "The `cursor` of the next page; null on the last one" });
    let page =
        object([("accounts", json!({ "type": "array", "items": of("schemas", "Account") })), ("next_cursor", next)]);
    let shown = json!({ "accounts": [example()], "next_cursor": null });
    limited(operation)
        .query(
            "login_name?",
            &login::name("The account of this login name alone; what else is asked for does not matter"),
        )
        .query("prefix?", &login::name("Accounts whose login name begins so"))
        .query("cursor?", &login::name("`next_cursor` of the page before"))
        .answers(200, "By login name", &page, &[("page", shown)])
}

/// What [`shown`] shows.
pub(crate) fn schema() -> Value {
    let mut disabled = date_time("Since when it is disabled; null where it is not");
    disabled["type"] = json!(["string", "null"]);
    object([
        ("subject", openapi::subject()),
        (
            "login_name",
            json!({ "type": "string", "description": "As it is compared: in lower case, without space around it" }),
        ),
        ("role", json!({ "type": "string", "enum": ["person", "administrator"] })),
        ("created_at", date_time("When it was made")),
        ("disabled_at", disabled),
    ])
}

fn example() -> Value {
    json!({
        "subject": "0199b7c2-5d6e-7f80-9a1b-2c3d4e5f6072",
        "login_name": "ada",
        "role": "person",
        "created_at": "2026-01-05T08:00:00.000Z",
        "disabled_at": null,
    })
}
