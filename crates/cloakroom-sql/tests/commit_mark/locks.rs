//! Reading the index beside SQLite must not cost SQLite its locks: they are the process's, and any closing drops them.

use std::os::unix::fs::MetadataExt as _;

use crate::shell::Shell;
use crate::world::{World, open};

/// The byte of the index that everybody who has it open holds a lock on.
const IN_USE: &str = "128";

/// Whether this process holds the lock that keeps others from beginning the index anew.
fn holds_its_lock(world: &World) -> bool {
    let about = std::fs::metadata(world.dir.path().join("cloakroom.db-shm")).unwrap(); // not opened, so not closed
    let (process, file) = (std::process::id().to_string(), format!(":{}", about.ino()));
    std::fs::read_to_string("/proc/locks").unwrap().lines().any(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        matches!(&fields[..], [_, "POSIX", _, "READ", pid, inode, IN_USE, IN_USE] if *pid == process && inode.ends_with(&file))
    })
}

#[tokio::test]
async fn sqlite_keeps_its_locks_whoever_stops_watching() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    assert!(holds_its_lock(&world));
    for _ in 0..3 {
        let other = open(&world.dir).await;
        assert!(other.sessions().find(crate::world::digest(1)).await.unwrap().is_some());
        let _ = world.remember(1).await;
        other.close().await;
        drop(other);
        assert!(holds_its_lock(&world));
        // Who comes now joins, and does not begin anew what is in use here.
        let mut shell = Shell::open(&world.path());
        assert_eq!(shell.line("UPDATE sessions SET last_seen_at = last_seen_at + 1; SELECT changes();"), "1");
        let _ = world.remember(1).await;
    }
    world.database.close().await;
    assert!(!world.dir.path().join("cloakroom.db-shm").exists(), "the last connection took the index along");
}
