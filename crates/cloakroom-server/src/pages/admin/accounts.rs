//! `GET /admin/accounts`

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::store::StoreError;

use crate::app::App;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::filter;
use crate::pages::admin::{Shown, account};
use crate::pages::page;
use crate::view::admin::{AccountsPage, Counted, ShownAccount};

/// Accounts on a page: each asks for its number of sessions.
const ACCOUNTS: u32 = 25;
/// Most sessions counted of an account: the policy's default cap.
const SESSIONS_MAX: u32 = 50;

/// Shows accounts by login name, or those whose login name begins with what was typed.
pub(crate) async fn get(Shown(visit): Shown, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let typed = fields.optional("name").unwrap_or_default().trim().to_owned();
    let prefix = name(&mut fields, "name", &typed);
    let after = fields.optional("after").unwrap_or_default();
    let after = name(&mut fields, "after", &after);
    fields.finish()?;
    let (app, words) = (&visit.app, visit.words());
    let (accounts, next) = some(app, prefix, after, ACCOUNTS).await?;
    let now = app.now();
    let mut shown = Vec::with_capacity(accounts.len());
    for account in &accounts {
        let link = account::address(&account.subject);
        shown.push(ShownAccount::new(words, account, link, sessions_of(app, account).await?, now));
    }
    let older = next.map(|last| filter::query([("name", typed.as_str()), ("after", last.as_str())]));
    let (form_token, expires) = (&visit.form_token, visit.expires());
    let view = AccountsPage { words, form_token, expires, typed, accounts: shown, next: older };
    page(StatusCode::OK, &view)
}

fn name(fields: &mut Fields, field: &str, typed: &str) -> Option<LoginName> {
    if typed.is_empty() {
        return None;
    }
    let name = LoginName::new(typed).ok();
    if name.is_none() {
        fields.complain(field, crate::fields::Complaint::NotAllowed);
    }
    name
}

/// Accounts after one, by login name, whose login name begins so; and after which one to go on, if there are more.
pub(crate) async fn some(
    app: &App,
    prefix: Option<LoginName>,
    after: Option<LoginName>,
    limit: u32,
) -> Result<(Vec<Account>, Option<LoginName>), StoreError> {
    let mut found = Vec::new();
    // A page begins after a name. The prefix itself is the first name that begins so.
    if let (Some(prefix), None) = (&prefix, &after) {
        found.extend(app.accounts().by_login_name(prefix.clone()).await?);
    }
    let begins = |account: &Account| {
        prefix.as_ref().is_none_or(|prefix| account.login_name.as_str().starts_with(prefix.as_str()))
    };
    let page = app.accounts().page(after.max(prefix.clone()), limit.saturating_add(1)).await?;
    found.extend(page.into_iter().take_while(begins));
    let is_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| is_more).map(|account| account.login_name.clone());
    Ok((found, next))
}

/// How many living sessions an account has.
pub(crate) async fn sessions_of(app: &App, account: &Account) -> Result<Counted, Failure> {
    let living = app.sessions().list(&account.subject, None, SESSIONS_MAX + 1).await?.len();
    Ok(Counted { found: living.min(SESSIONS_MAX as usize), is_more: living > SESSIONS_MAX as usize })
}
