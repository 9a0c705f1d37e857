//! The store in memory keeps the contract, on one thread and on several.

use std::sync::Arc;

use cloakroom_core::store::contract::Stores;
use cloakroom_core::store::memory::MemoryStore;

async fn fresh() -> Stores {
    let store = Arc::new(MemoryStore::new());
    Stores::new(store.clone(), store.clone(), store)
}

mod on_one_thread {
    cloakroom_core::contract_tests!(
        #[tokio::test]
        super::fresh
    );
}

mod on_several_threads {
    cloakroom_core::contract_tests!(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        super::fresh
    );
}
