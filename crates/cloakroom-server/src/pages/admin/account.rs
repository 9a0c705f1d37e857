//! `GET /admin/accounts/{subject}`, and the forms on it.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use cloakroom::{Code, Subject};
use cloakroom_core::account::Account;
use cloakroom_core::store::AccountAct;
use cloakroom_core::throttle::CounterKey;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::activity;
use crate::administration::Act;
use crate::afterwards::Task;
use crate::app::App;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::pages::account::SETTLE_MAX;
use crate::pages::admin::{Sent, Shown, accounts, notice};
use crate::pages::page;
use crate::view::ShownEnding;
use crate::view::admin::{AccountView, Question, QuestionPage, ShownAccount, ShownSession};

/// Most sessions shown; the rest is on the page of sessions.
const SESSIONS_MAX: u32 = 50;
/// Most ended sessions shown.
const HISTORY_MAX: u32 = 10;
/// Most locked names looked through.
const LOCKED_MAX: u32 = 10_000;

/// The address of the page of an account.
pub(crate) fn address(subject: &Subject) -> String {
    format!("/admin/accounts/{}", utf8_percent_encode(subject.as_str(), NON_ALPHANUMERIC))
}

/// Shows an account with its sessions and what happened to it lately.
pub(crate) async fn get(
    Shown(visit): Shown,
    Path(subject): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let notice = notice(&mut fields);
    fields.finish()?;
    let (app, words, now) = (&visit.app, visit.words(), visit.app.now());
    let account = account_of(app, &subject).await?;
    let here = visit.session.principal();
    let link = address(&account.subject);
    let living = visit.sessions.list(&account.subject, None, SESSIONS_MAX).await?;
    let who = account.login_name.to_string();
    let sessions = living.iter().map(|record| {
        let of = visit.session.principal_of(record);
        ShownSession::new(words, record, &of, (who.clone(), None), record.id == here.session_id(), now)
    });
    let locked = app.accounts().locked(LOCKED_MAX).await?;
    // What was recorded a moment ago is to be seen.
    app.recorder().settle(SETTLE_MAX).await;
    let endings = visit.sessions.history(&account.subject, HISTORY_MAX).await?;
    let view = AccountView {
        words,
        form_token: &visit.form_token,
        expires: visit.expires(),
        notice: notice.map(|notice| notice.said(words)),
        account: ShownAccount::new(words, &account, link.clone(), accounts::sessions_of(app, &account).await?, now),
        is_own: account.subject == *here.subject(),
        is_locked: locked.contains(&CounterKey::of_login_name(&account.login_name)),
        back: link,
        sessions: sessions.collect(),
        activity: activity::of(app.accounts(), &account.subject, words, &visit.here(), now).await?.shown,
        history: endings.iter().map(|ending| ShownEnding::new(words, ending, now)).collect(),
    };
    page(StatusCode::OK, &view)
}

/// Asks whether all sessions of an account are to end, and says how many.
pub(crate) async fn ask_end_all(shown: Shown, Path(subject): Path<String>) -> Result<Response, Failure> {
    ask(shown, &subject, Question::EndAll).await
}

/// Asks whether an account is to be disabled, and says how many sessions end with it.
pub(crate) async fn ask_disable(shown: Shown, Path(subject): Path<String>) -> Result<Response, Failure> {
    ask(shown, &subject, Question::Disable).await
}

async fn ask(Shown(visit): Shown, subject: &str, question: Question) -> Result<Response, Failure> {
    let (app, words) = (&visit.app, visit.words());
    let account = account_of(app, subject).await?;
    let view = QuestionPage {
        words,
        form_token: &visit.form_token,
        expires: visit.expires(),
        question,
        name: account.login_name.to_string(),
        is_own: account.subject == *visit.session.principal().subject(),
        sessions: accounts::sessions_of(app, &account).await?,
        address: address(&account.subject),
    };
    page(StatusCode::OK, &view)
}

/// Ends all sessions of an account, logins under way included.
pub(crate) async fn end_all(Path(subject): Path<String>, sent: Sent) -> Result<Response, Failure> {
    sent.act(&subject, Act::EndAllOf).await
}

/// Disables an account.
pub(crate) async fn disable(Path(subject): Path<String>, sent: Sent) -> Result<Response, Failure> {
    sent.act(&subject, |subject| Act::Change(AccountAct::Disable, subject)).await
}

/// Lets an account log in again.
pub(crate) async fn enable(Path(subject): Path<String>, sent: Sent) -> Result<Response, Failure> {
    sent.act(&subject, |subject| Act::Change(AccountAct::Enable, subject)).await
}

/// Forgets the failed attempts under the account's login name.
pub(crate) async fn unlock(Path(subject): Path<String>, sent: Sent) -> Result<Response, Failure> {
    sent.act(&subject, Act::Unlock).await
}

impl Sent {
    async fn act(self, subject: &str, act: impl FnOnce(Subject) -> Act) -> Result<Response, Failure> {
        self.fields.finish()?;
        let account = account_of(&self.asked.visit.app, subject).await?;
        self.asked.answer(Task { act: act(account.subject), back: None }).await
    }
}

async fn account_of(app: &App, subject: &str) -> Result<Account, Failure> {
    let nobody = || Failure::of(Code::NotFound);
    let subject = Subject::new(subject).map_err(|_| nobody())?;
    app.accounts().by_subject(subject).await?.ok_or_else(nobody)
}
