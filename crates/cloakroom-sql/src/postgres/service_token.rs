//! Service tokens, as rows.

use cloakroom_core::service_token::{SERVICE_TOKENS_MAX, ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::store::{Added, ServiceTokenStore, StoreErrorKind, StoreFuture};
use cloakroom_core::time::Timestamp;

use super::database::PostgresDatabase;
use super::row;
use super::value::Time;
use crate::statements::{ADD_SERVICE_TOKEN, REMOVE_SERVICE_TOKEN, SERVICE_TOKEN, SERVICE_TOKENS, USE_SERVICE_TOKEN};

impl ServiceTokenStore for PostgresDatabase {
    fn add_service_token(&self, record: ServiceTokenRecord) -> StoreFuture<'_, Added> {
        Box::pin(async move {
            let add = sqlx::query(ADD_SERVICE_TOKEN)
                .bind(record.name.as_str())
                .bind(record.digest.as_bytes().as_slice())
                .bind(record.scope.as_str())
                .bind(Time(record.created_at))
                .bind(record.last_used_at.map(Time))
                .bind(i64::from(SERVICE_TOKENS_MAX));
            match self.execute(add).await {
                Ok(0) => Ok(Added::Full),
                Ok(_) => Ok(Added::Added),
                Err(error) if *error.kind() == StoreErrorKind::Conflict => Ok(Added::Taken),
                Err(error) => Err(error),
            }
        })
    }

    fn service_tokens(&self) -> StoreFuture<'_, Vec<ServiceTokenRecord>> {
        Box::pin(async move {
            let rows = self.fetch_all(sqlx::query(SERVICE_TOKENS).bind(i64::from(SERVICE_TOKENS_MAX))).await?;
            rows.iter().map(row::service_token).collect()
        })
    }

    fn service_token(&self, digest: ServiceTokenDigest) -> StoreFuture<'_, Option<ServiceTokenRecord>> {
        Box::pin(async move {
            let find = sqlx::query(SERVICE_TOKEN).bind(digest.as_bytes().as_slice());
            self.fetch_optional(find).await?.as_ref().map(row::service_token).transpose()
        })
    }

    fn remove_service_token(&self, name: ServiceTokenName) -> StoreFuture<'_, bool> {
        Box::pin(async move { Ok(self.execute(sqlx::query(REMOVE_SERVICE_TOKEN).bind(name.as_str())).await? > 0) })
    }

    fn use_service_token(&self, digest: ServiceTokenDigest, at: Timestamp) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let used = sqlx::query(USE_SERVICE_TOKEN).bind(Time(at)).bind(digest.as_bytes().as_slice());
            self.execute(used).await.map(|_| ())
        })
    }
}
