//! The contract suite on both databases: a real file, or a schema of its own on a real server, for every clause.

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sqlite {
    use cloakroom_core::store::contract::Stores;
    use cloakroom_sql::{Database, OpenOptions, Scope};

    async fn fresh() -> Stores {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("contract.db").display());
        let database = Database::open(&url, OpenOptions::default()).await.unwrap();
        database.migrate(Scope::Everything).await.unwrap();
        Stores::new(database.sessions(), database.accounts(), database.measurements()).keeping(dir)
    }

    mod contract {
        cloakroom_core::contract_tests!(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            super::fresh
        );
    }
}

#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres {
    use cloakroom_core::store::contract::Stores;
    use cloakroom_sql::{Database, OpenOptions, Scope};
    use testbed::postgres::Cluster;

    async fn fresh() -> Stores {
        let schema = Cluster::shared().fresh_schema().unwrap();
        let database = Database::open(&schema.url(), OpenOptions::default()).await.unwrap();
        database.migrate(Scope::Everything).await.unwrap();
        Stores::new(database.sessions(), database.accounts(), database.measurements())
    }

    mod contract {
        cloakroom_core::contract_tests!(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            super::fresh
        );
    }
}
