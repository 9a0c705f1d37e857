//! tokio-postgres, one statement a lookup, pipelined on a few connections.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::StoreFuture;
use cloakroom_core::token::TokenDigest;
use cloakroom_sql::LookupCounts;
use tokio_postgres::{Client, NoTls, Statement};

use crate::Failed;
use crate::beside::{Lookup, failed};
use crate::record::{COLUMNS, read};

/// A few connections, used in turn.
#[derive(Debug)]
pub struct Singles {
    connections: Vec<Asked>,
    next: AtomicUsize,
    statements: AtomicU64,
}

/// A connection and the statement it is asked.
#[derive(Debug)]
pub struct Asked {
    /// Sends at once, whatever is not answered yet.
    pub client: Client,
    /// Prepared.
    pub statement: Statement,
}

impl Asked {
    /// Connects and prepares a statement.
    pub async fn connect(url: &str, statement: &str) -> Result<Self, Failed> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        drop(tokio::spawn(connection)); // it ends with the client
        client.batch_execute("SET statement_timeout = '10s'; SET plan_cache_mode = force_generic_plan").await?;
        let statement = client.prepare(statement).await?;
        Ok(Self { client, statement })
    }
}

impl Singles {
    /// Opens so many connections.
    pub async fn connect(url: &str, connections: usize) -> Result<Self, Failed> {
        let statement = format!("SELECT {COLUMNS} FROM sessions WHERE token_digest = $1");
        let mut opened = Vec::new();
        for _ in 0..connections.max(1) {
            opened.push(Asked::connect(url, &statement).await?);
        }
        Ok(Self { connections: opened, next: AtomicUsize::new(0), statements: AtomicU64::new(0) })
    }
}

impl Lookup for Singles {
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let asked = &self.connections[turn];
        Box::pin(async move {
            let row = asked.client.query_opt(&asked.statement, &[&&digest.as_bytes()[..]]).await.map_err(failed)?;
            row.map(|row| read(&row, 0)).transpose()
        })
    }

    fn counts(&self) -> LookupCounts {
        let statements = self.statements.load(Ordering::Relaxed);
        LookupCounts { statements, lookups: statements, ..LookupCounts::default() }
    }
}
