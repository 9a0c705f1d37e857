//! What a signed token costs: an HS256 JWT in a cookie, verified for each request and never taken back.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::Failed;

const NAME: &str = "jwt=";
/// Far ahead: 2100-01-01.
const EXPIRES: u64 = 4_102_444_800;

#[derive(Deserialize, Serialize)]
struct Claims {
    sub: String,
    exp: u64,
    iat: u64,
    jti: String,
}

/// Signs and verifies.
pub struct Jwt {
    signing: EncodingKey,
    verifying: DecodingKey,
    rules: Validation,
}

impl Jwt {
    /// With a key of this process.
    pub fn new() -> Result<Self, Failed> {
        let key = std::fs::read("/proc/sys/kernel/random/uuid")?; // as good as any here
        let (signing, verifying) = (EncodingKey::from_secret(&key), DecodingKey::from_secret(&key));
        Ok(Self { signing, verifying, rules: Validation::new(Algorithm::HS256) })
    }

    /// A `Cookie` header's value.
    pub fn cookie(&self, user: u32) -> Result<String, Failed> {
        let jti = format!("0199b7c2-0000-7000-8000-{user:012}");
        let claims = Claims { sub: format!("user-{user}"), exp: EXPIRES, iat: EXPIRES - 1_000_000, jti };
        Ok(format!("{NAME}{}", encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?))
    }

    /// Whose request it is.
    pub fn subject(&self, headers: &HeaderMap) -> Option<String> {
        let token = headers.get(COOKIE)?.to_str().ok()?.strip_prefix(NAME)?;
        Some(decode::<Claims>(token, &self.verifying, &self.rules).ok()?.claims.sub)
    }

    /// The one route that every mode has.
    pub fn router(self) -> Router {
        Router::new().route("/", get(protected)).with_state(Arc::new(self))
    }
}

async fn protected(State(jwt): State<Arc<Jwt>>, headers: HeaderMap) -> Result<String, StatusCode> {
    jwt.subject(&headers).map(|subject| format!("hello {subject}")).ok_or(StatusCode::UNAUTHORIZED)
}
