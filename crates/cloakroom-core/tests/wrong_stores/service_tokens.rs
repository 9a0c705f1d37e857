//! Service tokens, kept wrongly.

use cloakroom_core::service_token::{Scope, ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::store::{Added, ServiceTokenStore, StoreError, StoreFuture};
use cloakroom_core::time::Timestamp;

use crate::Fault;
use crate::faulty::Faulty;

impl Faulty {
    async fn wrong_add_service_token(&self, mut record: ServiceTokenRecord) -> Result<Added, StoreError> {
        match self.fault {
            Fault::ServiceTokensLoseTheirScope => record.scope = Scope::Sessions,
            Fault::ServiceTokenNamesAreOverwritten => {
                let _was_there = self.inner.remove_service_token(record.name.clone()).await?;
            }
            _ => (),
        }
        let added = self.inner.add_service_token(record).await?;
        Ok(if self.fault == Fault::ServiceTokensHaveNoEnd && added == Added::Full { Added::Added } else { added })
    }

    async fn wrong_remove_service_token(&self, name: ServiceTokenName) -> Result<bool, StoreError> {
        if self.fault == Fault::RemovedServiceTokensComeBack {
            let all = self.inner.service_tokens().await?;
            let found = all.into_iter().find(|token| token.name == name);
            let mut notes = self.notes();
            notes.removed = found.or(notes.removed.take());
        }
        self.inner.remove_service_token(name).await
    }

    async fn wrong_use_service_token(&self, digest: ServiceTokenDigest, at: Timestamp) -> Result<(), StoreError> {
        match self.fault {
            Fault::RemovedServiceTokensComeBack => {
                let removed = self.notes().removed.take().filter(|removed| removed.digest == digest);
                if let Some(removed) = removed {
                    let _added = self.inner.add_service_token(removed).await?;
                }
            }
            Fault::TheUseOfAServiceTokenGoesBack => {
                if let Some(mut token) = self.inner.service_token(digest).await? {
                    token.last_used_at = Some(at);
                    let _was_there = self.inner.remove_service_token(token.name.clone()).await?;
                    let _added = self.inner.add_service_token(token).await?;
                    return Ok(());
                }
            }
            _ => (),
        }
        self.inner.use_service_token(digest, at).await
    }
}

impl ServiceTokenStore for Faulty {
    fn add_service_token(&self, record: ServiceTokenRecord) -> StoreFuture<'_, Added> {
        Box::pin(self.wrong_add_service_token(record))
    }

    fn service_tokens(&self) -> StoreFuture<'_, Vec<ServiceTokenRecord>> {
        self.inner.service_tokens()
    }

    fn service_token(&self, digest: ServiceTokenDigest) -> StoreFuture<'_, Option<ServiceTokenRecord>> {
        self.inner.service_token(digest)
    }

    fn remove_service_token(&self, name: ServiceTokenName) -> StoreFuture<'_, bool> {
        Box::pin(self.wrong_remove_service_token(name))
    }

    fn use_service_token(&self, digest: ServiceTokenDigest, at: Timestamp) -> StoreFuture<'_, ()> {
        Box::pin(self.wrong_use_service_token(digest, at))
    }
}
