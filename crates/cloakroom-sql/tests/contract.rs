//! The contract suite on SQLite: a real file for every clause.

#[cfg(test)]
mod sqlite {
    use cloakroom_core::store::contract::Stores;
    use cloakroom_sql::{Database, OpenOptions, Scope};

    async fn fresh() -> Stores {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("contract.db").display());
        let database = Database::open(&url, OpenOptions::default()).await.unwrap();
        database.migrate(Scope::Everything).await.unwrap();
        Stores::new(database.sessions(), database.accounts()).keeping(dir)
    }

    mod contract {
        cloakroom_core::contract_tests!(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            super::fresh
        );
    }
}
