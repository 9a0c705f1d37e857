//! Where service tokens are kept.

use std::fmt::Debug;

use super::StoreFuture;
use crate::service_token::{ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord};
use crate::time::Timestamp;

/// What became of a new service token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Added {
    /// It counts from now on.
    Added,
    /// There is one of this name, or of this digest: nothing was changed.
    Taken,
    /// There are [`SERVICE_TOKENS_MAX`](crate::service_token::SERVICE_TOKENS_MAX) already.
    Full,
}

/// Keeps service tokens. What is removed does not come back: no statement here makes one again but [`add`](Self::add_service_token).
pub trait ServiceTokenStore: Send + Sync + Debug + 'static {
    /// Keeps a new one.
    fn add_service_token(&self, record: ServiceTokenRecord) -> StoreFuture<'_, Added>;

    /// All of them, by name.
    fn service_tokens(&self) -> StoreFuture<'_, Vec<ServiceTokenRecord>>;

    /// The one of this digest.
    fn service_token(&self, digest: ServiceTokenDigest) -> StoreFuture<'_, Option<ServiceTokenRecord>>;

    /// Removes the one of this name: it opens nothing any more. `false` if there is none.
    fn remove_service_token(&self, name: ServiceTokenName) -> StoreFuture<'_, bool>;

    /// Notes a use, never before one that is noted. One that is gone stays gone.
    fn use_service_token(&self, digest: ServiceTokenDigest, at: Timestamp) -> StoreFuture<'_, ()>;
}
