//! Issuing a session inside a transaction of the application's own, so that it and what belongs to it happen together.

use cloakroom_core::store::{Issue, Issued, StoreError};
use futures_util::future::BoxFuture;

/// A transaction of sqlx on one of the two databases: a session can be issued in it.
///
/// On PostgreSQL it has to be READ COMMITTED, which is the default; another one is refused. On SQLite begin it with
/// `BEGIN IMMEDIATE`: one that has read before somebody else wrote is refused by SQLite as busy.
pub trait IssueIn: sealed::Sealed + Send {
    /// Issues a session in the transaction, under the same locks as everywhere. It exists when the transaction commits.
    ///
    /// # Errors
    /// As [`SessionStore::issue`](cloakroom_core::store::SessionStore::issue); take the transaction back then.
    fn issue_in(&mut self, issue: Issue) -> BoxFuture<'_, Result<Issued, StoreError>>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! issue_in {
    ($feature:literal, $database:ty, $issue:path) => {
        #[cfg(feature = $feature)]
        impl sealed::Sealed for sqlx::Transaction<'_, $database> {}

        #[cfg(feature = $feature)]
        impl IssueIn for sqlx::Transaction<'_, $database> {
            fn issue_in(&mut self, issue: Issue) -> BoxFuture<'_, Result<Issued, StoreError>> {
                Box::pin($issue(&mut **self, issue))
            }
        }
    };
}

issue_in!("postgres", sqlx::Postgres, crate::postgres::issue);
issue_in!("sqlite", sqlx::Sqlite, crate::sqlite::issue);
