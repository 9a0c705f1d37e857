//! Every path the server answers and the order of what stands around them. Nothing else adds a route or a layer.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};
use cloakroom::Code;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::failure::{self, Failure};
use crate::{api, assets, events, health, measurements, metrics, openapi, pages, request_id, security, stop};

/// The administrators' pages.
fn administration() -> Router<App> {
    use pages::admin::{account, accounts, charts, overview, service_tokens, sessions};
    Router::new()
        .route("/admin", get(overview::get))
        .route("/admin/sessions", get(sessions::get))
        .route("/admin/sessions/end", get(sessions::ask).post(sessions::end_matching))
        .route("/admin/sessions/{id}/end", post(sessions::end_one))
        .route("/admin/accounts", get(accounts::get))
        .route("/admin/accounts/{subject}", get(account::get))
        .route("/admin/accounts/{subject}/end-all", get(account::ask_end_all).post(account::end_all))
        .route("/admin/accounts/{subject}/disable", get(account::ask_disable).post(account::disable))
        .route("/admin/accounts/{subject}/enable", post(account::enable))
        .route("/admin/accounts/{subject}/unlock", post(account::unlock))
        .route("/admin/service-tokens", get(service_tokens::get).post(service_tokens::add))
        .route("/admin/service-tokens/remove", get(service_tokens::ask).post(service_tokens::remove))
        .route("/admin/charts", get(charts::get))
}

/// The whole server as one router.
pub(crate) fn router(app: App) -> Router {
    let with_sessions = Router::new()
        .route("/", get(pages::home::get))
        .route("/setup/{code}", get(pages::setup::get).post(pages::setup::post))
        .route("/login", get(pages::login::get).post(pages::login::post))
        .route("/logout", post(pages::logout::post))
        .route("/account", get(pages::account::get))
        .route("/account/sessions/{id}/end", post(pages::account::end_one))
        .route("/account/sessions/end-others", post(pages::account::end_others))
        .route("/account/sessions/end-all", post(pages::account::end_all))
        .route("/account/not-me", get(pages::not_me::get).post(pages::not_me::post))
        .route("/account/password", post(pages::password::post))
        .route("/confirm", get(pages::confirm::get).post(pages::confirm::post))
        .route("/api/v1/login", post(api::login::post))
        .route("/api/v1/logout", post(api::logout::post))
        .route("/api/v1/confirm", post(api::confirm::post))
        .route("/api/v1/session", get(api::session::get))
        .route("/api/v1/sessions", get(api::sessions::get).delete(api::sessions::delete))
        .route("/api/v1/sessions/{id}", delete(api::sessions::delete_one))
        .route("/api/v1/admin/sessions", get(api::admin::sessions::list).delete(api::admin::sessions::end_matching))
        .route("/api/v1/admin/sessions/{id}", delete(api::admin::sessions::end_one))
        .route("/api/v1/admin/accounts", get(api::admin::accounts::list))
        .route("/api/v1/admin/accounts/{subject}", delete(api::admin::accounts::remove))
        .route("/api/v1/admin/accounts/{subject}/disable", post(api::admin::accounts::disable))
        .route("/api/v1/admin/accounts/{subject}/enable", post(api::admin::accounts::enable))
        .merge(administration())
        .method_not_allowed_fallback(async || Failure::of(Code::MethodNotAllowed))
        .route_layer(MapRequestLayer::new(measurements::validated(&app)))
        .route_layer(app.sessions().layer())
        .route_layer(MapRequestLayer::new(measurements::asked(&app)));
    let without_sessions = Router::new()
        .route("/assets/{name}", get(assets::get))
        .route("/language", post(pages::language::post))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/openapi.json", openapi::served(app.catalogue()))
        .route("/api/v1/service/sessions", get(api::service::list).post(api::service::create))
        .route("/api/v1/service/sessions/verify", post(api::service::verify))
        .route("/api/v1/service/sessions/end", post(api::service::end))
        .method_not_allowed_fallback(async || Failure::of(Code::MethodNotAllowed));
    // The last layer is the outermost. A request passes them from the bottom up.
    with_sessions
        .merge(without_sessions)
        .fallback(async || Failure::of(Code::NotFound))
        // Nearest to the handlers: refused before anything is read or changed.
        .layer(from_fn_with_state(app.clone(), security::origin))
        // Around all the work, the reading of the body included.
        .layer(from_fn(security::time_limit))
        // A panic becomes a failure like any other …
        .layer(CatchPanicLayer::custom(security::panicked))
        // … and every failure from further in becomes a page or a problem here, and only here.
        .layer(from_fn_with_state(app.clone(), failure::render))
        // Outside of `render`, so that failures carry the headers too.
        .layer(from_fn_with_state(app.clone(), security::headers))
        // Records what the answers say has happened, under the request's id.
        .layer(from_fn_with_state(app.clone(), events::record))
        // Around everything that takes time.
        .layer(from_fn_with_state(app.clone(), metrics::count))
        // Everything that is logged has the request's id.
        .layer(from_fn_with_state(app.clone(), request_id::assign))
        // Outermost: whatever the answer is, while stopping it is its connection's last.
        .layer(from_fn_with_state(app.clone(), stop::close_connections))
        .with_state(app)
}
