//! `GET` and `POST /confirm`: the password is proven once more (step-up), then what was asked for before is done

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::{Code, Strict};
use cloakroom_core::event::EventKind;

use crate::afterwards::Then;
use crate::credential;
use crate::ends::Ends;
use crate::events::Happened;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError, Fields};
use crate::form_token::OwnForm;
use crate::pages::{Visit, admin, page};
use crate::view::{ConfirmPage, Form};

const SHOWN: &[&str] = &["password"];

/// Shows the form with nothing to do afterwards.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    show(&visit, StatusCode::OK, None, &[]).await
}

/// The page, with what is done afterwards, and what is wrong in its form.
pub(crate) async fn show(
    visit: &Visit,
    status: StatusCode,
    then: Option<Then>,
    errors: &[FieldError],
) -> Result<Response, Failure> {
    page(status, &view(visit, then, errors).await?)
}

async fn view<'a>(visit: &'a Visit, then: Option<Then>, errors: &[FieldError]) -> Result<ConfirmPage<'a>, Failure> {
    let words = visit.words();
    let name = visit.app.name_of(visit.session.principal().subject()).await?;
    let form = Form::new(words, &name, errors, SHOWN);
    let (form_token, expires) = (&visit.form_token, visit.expires());
    Ok(ConfirmPage { words, form_token, expires, form, then, message: None })
}

/// Proves the password: the token is replaced first, then what was asked for is done. The browser gets the new token whatever
/// becomes of that.
pub(crate) async fn post(Strict(mut visit): Strict<Visit>, OwnForm(mut fields): OwnForm) -> Result<Response, Failure> {
    fields.optional("login_name"); // sent for password managers, and not needed
    let then = then(&mut fields, &visit)?;
    let password = fields.password("password");
    let errors = fields.into_errors();
    let (Some(password), true) = (password, errors.is_empty()) else {
        return show(&visit, StatusCode::UNPROCESSABLE_ENTITY, then, &errors).await;
    };
    let account = visit.app.account_of(visit.session.principal()).await?;
    let here = visit.session.principal().session_id();
    match credential::proves(&visit.app, account, here, password, EventKind::LoginFail).await {
        Ok(()) => {}
        Err(failure) if failure.code() == Code::InvalidCredentials => {
            let errors = [FieldError::new("password", Complaint::NotThePassword)];
            let again = show(&visit, StatusCode::UNPROCESSABLE_ENTITY, then, &errors).await;
            return again.map(|page| failure.told_by(page));
        }
        Err(failure) if failure.code().retries() => return later(&visit, then, &failure).await,
        Err(failure) => return Err(failure),
    }
    let renewed = Happened::by(EventKind::SessionRenewed, visit.session.principal());
    let stepped_up = visit.session.step_up().await?;
    // What is done then may be answered with a page, whose forms are sent under the new token.
    visit.form_token = stepped_up.form_token().clone();
    let confirmed = (renewed, stepped_up);
    let (done, is_over) = match then {
        None => (Ok(Redirect::to("/account").into_response()), false),
        Some(Then::Show(place)) => (Ok(Redirect::to(place.as_str()).into_response()), false),
        Some(Then::Ends(ends)) => (ends.carry_out(&visit.sessions, visit.session).await, ends == Ends::All),
        Some(Then::Administrate(task)) => match admin::carry_out(visit, task).await {
            Ok(answer) => (Ok(answer.response), answer.is_over),
            Err(failure) => (Err(failure), false),
        },
    };
    match done {
        // The new token has ended too: the answer takes the cookie away, and must not hand one over.
        Ok(done) if is_over => Ok(done),
        done => Ok((confirmed, done).into_response()),
    }
}

/// What is to be done afterwards. Logging out is not: it needs no confirmation, and no page offers it here.
///
/// # Errors
/// `invalid_input` for anything that no page sends.
fn then(fields: &mut Fields, visit: &Visit) -> Result<Option<Then>, Failure> {
    let sent = fields.optional("then").unwrap_or_default();
    if sent.is_empty() {
        return Ok(None);
    }
    let here = Then::Ends(Ends::One(visit.session.principal().session_id()));
    match sent.parse() {
        Ok(then) if then != here => Ok(Some(then)),
        _ => Err(Failure::invalid(vec![FieldError::new("then", Complaint::NotAllowed)])),
    }
}

/// The page again, for another try a little later.
async fn later(visit: &Visit, then: Option<Then>, failure: &Failure) -> Result<Response, Failure> {
    let message = Some(visit.words().of_code(failure.code()));
    let view = ConfirmPage { message, ..view(visit, then, &[]).await? };
    Ok(failure.told_by(page(failure.status(), &view)?))
}
