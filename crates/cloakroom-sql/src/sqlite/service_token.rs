//! Service tokens, as rows. The single writer is the lock.

use cloakroom_core::service_token::{SERVICE_TOKENS_MAX, ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::store::{Added, ServiceTokenStore, StoreError, StoreErrorKind, StoreFuture};
use cloakroom_core::time::Timestamp;
use sqlx::SqliteConnection;

use super::database::SqliteDatabase;
use super::error::store_error;
use super::row;
use crate::statements::{ADD_SERVICE_TOKEN, REMOVE_SERVICE_TOKEN, SERVICE_TOKEN, SERVICE_TOKENS, USE_SERVICE_TOKEN};

async fn add(connection: &mut SqliteConnection, record: ServiceTokenRecord) -> Result<Added, StoreError> {
    let add = sqlx::query(ADD_SERVICE_TOKEN)
        .bind(record.name.as_str())
        .bind(record.digest.as_bytes().as_slice())
        .bind(record.scope.as_str())
        .bind(record.created_at.as_millis())
        .bind(record.last_used_at.map(Timestamp::as_millis))
        .bind(i64::from(SERVICE_TOKENS_MAX));
    match add.execute(connection).await.map_err(store_error) {
        Ok(done) if done.rows_affected() == 0 => Ok(Added::Full),
        Ok(_) => Ok(Added::Added),
        Err(error) if *error.kind() == StoreErrorKind::Conflict => Ok(Added::Taken),
        Err(error) => Err(error),
    }
}

impl ServiceTokenStore for SqliteDatabase {
    fn add_service_token(&self, record: ServiceTokenRecord) -> StoreFuture<'_, Added> {
        Box::pin(self.writer().run(move |connection| Box::pin(add(connection, record))))
    }

    fn service_tokens(&self) -> StoreFuture<'_, Vec<ServiceTokenRecord>> {
        Box::pin(async move {
            let all = sqlx::query(SERVICE_TOKENS).bind(i64::from(SERVICE_TOKENS_MAX));
            let rows = all.fetch_all(&self.readers().pool()?).await.map_err(store_error)?;
            rows.iter().map(row::service_token).collect()
        })
    }

    fn service_token(&self, digest: ServiceTokenDigest) -> StoreFuture<'_, Option<ServiceTokenRecord>> {
        Box::pin(async move {
            let find = sqlx::query(SERVICE_TOKEN).bind(digest.as_bytes().as_slice());
            let row = find.fetch_optional(&self.readers().pool()?).await.map_err(store_error)?;
            row.as_ref().map(row::service_token).transpose()
        })
    }

    fn remove_service_token(&self, name: ServiceTokenName) -> StoreFuture<'_, bool> {
        Box::pin(self.writer().run(move |connection| {
            Box::pin(async move {
                let removed = sqlx::query(REMOVE_SERVICE_TOKEN).bind(name.as_str()).execute(connection).await;
                Ok(removed.map_err(store_error)?.rows_affected() > 0)
            })
        }))
    }

    fn use_service_token(&self, digest: ServiceTokenDigest, at: Timestamp) -> StoreFuture<'_, ()> {
        Box::pin(self.writer().run(move |connection| {
            Box::pin(async move {
                let used = sqlx::query(USE_SERVICE_TOKEN).bind(at.as_millis()).bind(digest.as_bytes().as_slice());
                used.execute(connection).await.map(|_| ()).map_err(store_error)
            })
        }))
    }
}
