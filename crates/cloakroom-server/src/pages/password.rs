//! `POST /account/password`

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cloakroom::{Code, Strict};
use cloakroom_core::account::Account;
use cloakroom_core::event::EventKind;
use cloakroom_core::password::Password;
use cloakroom_core::store::{Changed, PasswordChange};

use crate::app::App;
use crate::credential;
use crate::events::Happened;
use crate::everywhere::Waited;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError, Fields};
use crate::form_token::OwnForm;
use crate::pages::Visit;
use crate::pages::account::show;

/// Changes the password: the other sessions end, logins under way included, and this one gets a new token (ASVS 5.0 7.4.3, 7.2.4).
pub(crate) async fn post(Strict(mut visit): Strict<Visit>, OwnForm(fields): OwnForm) -> Result<Response, Failure> {
    let app = &visit.app;
    let account = app.account_of(visit.session.principal()).await?;
    let (current, new) = match read(app, fields, &account).await? {
        Ok(passwords) => passwords,
        Err(errors) => {
            return show(&visit, StatusCode::UNPROCESSABLE_ENTITY, None, &errors).await;
        }
    };
    let here = visit.session.principal().session_id();
    match credential::proves(app, account.clone(), here, current, EventKind::PasswordChangeFail).await {
        Ok(()) => {}
        Err(failure) if failure.code() == Code::InvalidCredentials => {
            let errors = [FieldError::new("current_password", Complaint::NotThePassword)];
            let again = show(&visit, StatusCode::UNPROCESSABLE_ENTITY, None, &errors).await;
            return again.map(|page| failure.told_by(page));
        }
        Err(failure) => return Err(failure),
    }
    let change = PasswordChange {
        subject: account.subject,
        expected: Some(account.password_hash),
        new: app.hashing().hash(new).await?,
        keep: Some(visit.session.token_digest()),
        at: app.now(),
    };
    match app.accounts().change_password(change).await? {
        Changed::Done { .. } => {}
        Changed::Missing => return Err(Failure::of(Code::NotFound)),
        // Somebody changed it in between, and this session has ended with it.
        Changed::Conflict => return Err(Failure::of(Code::SessionRevoked)),
    }
    visit.sessions.catch_up().await;
    // The current password was proven: both timers restart.
    let replaced = visit.session.step_up().await?;
    let changed = Happened::by(EventKind::PasswordChange, visit.session.principal());
    Ok((changed, replaced, Waited::for_all(&visit.sessions).await.to_account()).into_response())
}

/// The passwords, or every complaint about the form.
///
/// # Errors
/// `busy` or `unavailable` when the new one cannot be judged.
async fn read(
    app: &App,
    mut fields: Fields,
    account: &Account,
) -> Result<Result<(Password, Password), Vec<FieldError>>, Failure> {
    fields.optional("login_name"); // sent for password managers, and not needed
    let current = fields.password("current_password");
    let (typed, again) = (fields.text("new_password"), fields.text("new_password_again"));
    let mut new = None;
    if !typed.is_empty() {
        match app.new_passwords().judge(&typed, &account.login_name).await? {
            Ok(password) => new = Some(password),
            Err(refusal) => fields.complain("new_password", Complaint::Password(refusal)),
        }
        if !again.is_empty() && *typed != *again {
            fields.complain("new_password_again", Complaint::Mismatch);
        }
    }
    let errors = fields.into_errors();
    Ok(match (current, new) {
        (Some(current), Some(new)) if errors.is_empty() => Ok((current, new)),
        _ => Err(errors),
    })
}
