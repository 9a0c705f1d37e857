//! The example does what it shows: on a real file, through its own router.

use super::*;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{Request, StatusCode};
use tower::ServiceExt as _;

async fn send(app: &Router, method: &str, path: &str, cookie: &str, body: &str) -> Response {
    let request = Request::builder().method(method).uri(path).header(COOKIE, cookie);
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

#[tokio::test]
async fn log_in_be_recognised_log_out() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("app.db").display());
    let sessions = Sessions::connect(&url).await.unwrap();
    let app = app(&sessions);
    let refused = send(&app, "POST", "/login", "", "name=ada&password=wrong").await;
    assert!(refused.headers().get(SET_COOKIE).is_none());
    assert_eq!(send(&app, "GET", "/account", "", "").await.status(), StatusCode::UNAUTHORIZED);

    let answer = send(&app, "POST", "/login", "", "name=ada&password=open+sesame").await;
    assert_eq!(answer.headers()[LOCATION], "/account");
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-cloakroom=ck1_"));
    let page = send(&app, "GET", "/account", &cookie, "").await.into_body();
    let page = http_body_util::BodyExt::collect(page).await.unwrap().to_bytes();
    assert!(page.starts_with(b"hello 42"));
    assert_eq!(send(&app, "POST", "/logout", &cookie, "").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(send(&app, "GET", "/account", &cookie, "").await.status(), StatusCode::UNAUTHORIZED);
}
