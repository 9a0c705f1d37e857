//! The smallest application with Cloakroom sessions: one dependency, one layer. `cargo run -p minimal-axum`, then open the address.

use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::{CookieSettings, IssueError, Principal, Session, Sessions, Unavailable};

#[derive(serde::Deserialize)]
struct LoginForm {
    name: String,
    password: String,
}

/// Your own check of your own users: here one, called ada, whose password is `open sesame`.
fn user_id(form: &LoginForm) -> Option<u64> {
    (form.name == "ada" && form.password == "open sesame").then_some(42)
}

async fn login(sessions: Sessions, Form(form): Form<LoginForm>) -> Result<Response, IssueError> {
    let attempt = sessions.begin().await?; // first line: what is revoked from here on, this login does not outlive
    let Some(id) = user_id(&form) else { return Ok(Redirect::to("/").into_response()) };
    Ok((attempt.issue(&id).await?, Redirect::to("/account")).into_response())
}

async fn account(principal: Principal) -> Html<String> {
    Html(format!("hello {} <form method=post action=/logout><button>log out</button></form>", principal.subject()))
}

async fn logout(session: Session) -> Result<impl IntoResponse, Unavailable> {
    Ok((session.log_out().await?, Redirect::to("/")))
}

const HOME: &str = "<form method=post action=/login><input name=name value=ada>\
                    <input name=password type=password placeholder='open sesame'><button>log in</button></form>";

fn app(sessions: &Sessions) -> Router {
    Router::new()
        .route("/", get(async || Html(HOME)))
        .route("/login", post(login))
        .route("/account", get(account))
        .route("/logout", post(logout))
        .layer(sessions.layer())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Creates and migrates the file. Over https leave the cookie as it is: `Sessions::connect("sqlite:app.db")`.
    let plain_http = CookieSettings::insecure_for_plain_http();
    let sessions = Sessions::builder().cookie(plain_http).connect("sqlite:app.db").await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(&sessions)).await?;
    Ok(sessions.flush().await?)
}

#[cfg(test)]
mod tests;
