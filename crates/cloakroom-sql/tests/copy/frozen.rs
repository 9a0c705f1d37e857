//! The source while it is copied: it can be read, and nobody can end or begin a session there that the copy would miss. The
//! target while it is compared: nobody can change what was compared already.

use std::time::Duration;

use cloakroom_sql::{Progress, Stage};

use crate::world::{Place, Postgres, Sqlite, copy, digest, populate, record};

const WRITES: [&str; 8] = [
    "DELETE FROM sessions",
    "UPDATE sessions SET auth_method = 'other'",
    "INSERT INTO session_subjects (subject) VALUES ('late')",
    "DELETE FROM session_feed",
    "UPDATE accounts SET login_name = 'eve' WHERE subject = '1'",
    "DELETE FROM session_subjects WHERE subject = 'ada'",
    "UPDATE service_tokens SET scope = 'admin'",
    "DELETE FROM service_tokens",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_goes_on_and_writing_waits() {
    for (from, to) in [(Sqlite, Postgres), (Postgres, Sqlite)] {
        let (source_place, source) = Place::migrated(from).await;
        populate(&source).await;
        let target_place = Place::new(to);
        let (before, mut tried) = (source_place.dump().await, 0);
        let mut progress = |progress: Progress| {
            let is_begun = progress.stage == Stage::Copying && progress.done == 0;
            if !is_begun && (progress.table, progress.stage) != ("session_feed", Stage::Verifying) {
                return;
            }
            for write in WRITES {
                let error = source_place.try_sql_meanwhile(write).unwrap_err();
                assert!(error.contains("lock"), "{from:?} {write}: {error}");
                if progress.stage == Stage::Verifying {
                    // What is compared is what will be served.
                    let error = target_place.try_sql_meanwhile(write).unwrap_err();
                    assert!(error.contains("lock"), "{to:?} {write}: {error}");
                }
            }
            let found = tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async { source.sessions().find(digest(1)).await })
            });
            assert_eq!(found.unwrap(), Some(record(1)));
            tried += 1;
        };
        source.copy_to(&target_place.open().await, &mut progress).await.unwrap();
        assert!(tried >= 5, "{tried}");
        source_place.dump().await.assert_is(&before, "");
        source_place.sql("UPDATE accounts SET role = 'person'").await; // and afterwards it can be written again
    }
}

/// Whoever is in the middle of a write makes the copy say so, instead of copying around it.
#[tokio::test]
async fn a_source_that_is_written_is_not_copied() {
    let (place, source) = Place::migrated(Postgres).await;
    populate(&source).await;
    let url = place.url();
    let mut writer = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    for statement in ["BEGIN", "DELETE FROM sessions WHERE auth_method = 'password'"] {
        sqlx::query(statement).execute(&mut writer).await.unwrap();
    }
    let target = Place::new(Sqlite);
    let opened = target.open().await;
    let error = tokio::time::timeout(Duration::from_mins(1), copy(&source, &opened)).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("stop every instance that uses it"), "{error}");
    sqlx::query("COMMIT").execute(&mut writer).await.unwrap();
    copy(&source, &opened).await.unwrap();
    target.dump().await.assert_is(&place.dump().await, "");
}
