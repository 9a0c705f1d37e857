//! The store in memory keeps the contract.

use std::sync::Arc;

use cloakroom_core::store::contract::Stores;
use cloakroom_core::store::memory::MemoryStore;

async fn fresh() -> Stores {
    let store = Arc::new(MemoryStore::new());
    Stores::new(store.clone(), store)
}

cloakroom_core::contract_tests!(
    #[tokio::test]
    fresh
);
