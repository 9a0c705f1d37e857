//! Service tokens, in memory.

use super::{MemoryStore, ready};
use crate::service_token::{SERVICE_TOKENS_MAX, ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord};
use crate::store::{Added, ServiceTokenStore, StoreFuture};
use crate::time::Timestamp;

impl ServiceTokenStore for MemoryStore {
    fn add_service_token(&self, record: ServiceTokenRecord) -> StoreFuture<'_, Added> {
        let tokens = &mut self.state().service_tokens;
        let is_taken = tokens.contains_key(&record.name) || tokens.values().any(|token| token.digest == record.digest);
        let added = if is_taken {
            Added::Taken
        } else if tokens.len() >= SERVICE_TOKENS_MAX as usize {
            Added::Full
        } else {
            tokens.insert(record.name.clone(), record);
            Added::Added
        };
        ready(Ok(added))
    }

    fn service_tokens(&self) -> StoreFuture<'_, Vec<ServiceTokenRecord>> {
        ready(Ok(self.state().service_tokens.values().cloned().collect()))
    }

    fn service_token(&self, digest: ServiceTokenDigest) -> StoreFuture<'_, Option<ServiceTokenRecord>> {
        ready(Ok(self.state().service_tokens.values().find(|token| token.digest == digest).cloned()))
    }

    fn remove_service_token(&self, name: ServiceTokenName) -> StoreFuture<'_, bool> {
        ready(Ok(self.state().service_tokens.remove(&name).is_some()))
    }

    fn use_service_token(&self, digest: ServiceTokenDigest, at: Timestamp) -> StoreFuture<'_, ()> {
        if let Some(token) = self.state().service_tokens.values_mut().find(|token| token.digest == digest) {
            token.last_used_at = token.last_used_at.max(Some(at));
        }
        ready(Ok(()))
    }
}
