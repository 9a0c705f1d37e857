//! A WebSocket and an event stream that close when their session ends, whoever ends it. `cargo run -p websocket`, open the
//! address in two windows, log in, and log out in one of them: the other is closed at once.

use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use cloakroom::{CookieSettings, Ended, IssueError, LeaseTerms, Session, Sessions, Unavailable, Validation};
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::time::sleep;

async fn login(sessions: Sessions) -> Result<impl IntoResponse, IssueError> {
    // A real application checks a credential between these two lines: see examples/minimal-axum.
    let attempt = sessions.begin().await?;
    Ok((attempt.issue("ada").await?, Redirect::to("/")))
}

async fn logout(session: Session) -> Result<impl IntoResponse, Unavailable> {
    Ok((session.log_out().await?, Redirect::to("/")))
}

/// Answers only who is logged in; a browser sends the cookie with the request that opens the socket.
async fn socket(session: Session, upgrade: WebSocketUpgrade) -> impl IntoResponse {
    upgrade.on_upgrade(async move |socket| echo(session, socket).await)
}

/// Sends back what comes, until the browser leaves or the session ends.
async fn echo(session: Session, mut socket: WebSocket) {
    let ended = session.ended();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            biased; // what comes after the end is not answered
            why = &mut ended => {
                let _ = socket.send(Message::Close(Some(goodbye(why)))).await;
                return;
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    if socket.send(Message::Text(text)).await.is_err() {
                        return;
                    }
                }
                Some(Ok(_)) => {} // pings are answered by axum
                None | Some(Err(_)) => return,
            }
        }
    }
}

/// A policy closed it, or the server does not know: then the browser should try again (RFC 6455 section 7.4.1).
fn goodbye(why: Ended) -> CloseFrame {
    match why {
        Ended::Because(reason) => CloseFrame { code: close_code::POLICY, reason: reason.as_str().into() },
        Ended::Unknown => CloseFrame { code: close_code::AGAIN, reason: "".into() },
    }
}

/// Counts the seconds, and says at the end why it stops.
async fn events(session: Session) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
    let ended = Box::pin(async move { session.ended().await });
    let events = stream::unfold(Some((ended, 0)), async |open| {
        let (mut ended, seconds) = open?;
        let pause = Duration::from_secs(u64::from(seconds > 0));
        tokio::select! {
            biased;
            why = &mut ended => {
                let reason = why.reason().map_or("unknown", |reason| reason.as_str());
                Some((Event::default().event("end").data(reason), None)) // and nothing after it
            }
            () = sleep(pause) => {
                Some((Event::default().event("tick").data(seconds.to_string()), Some((ended, seconds + 1))))
            }
        }
    });
    Sse::new(events.map(Ok)).keep_alive(KeepAlive::default())
}

const HOME: &str = include_str!("home.html");

fn app(sessions: &Sessions) -> Router {
    Router::new()
        .route("/", get(async || Html(HOME)))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/socket", get(socket))
        .route("/events", get(events))
        .layer(sessions.layer())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Over https leave the cookie as it is. It works the same under strict validation, which is the default.
    let sessions = Sessions::builder()
        .cookie(CookieSettings::insecure_for_plain_http())
        .validation(Validation::Leased(LeaseTerms::default()))
        .connect("sqlite:app.db")
        .await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(&sessions)).await?;
    Ok(sessions.flush().await?)
}

#[cfg(test)]
mod tests;
