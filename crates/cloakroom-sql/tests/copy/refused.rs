//! What is not copied, and what is not copied into: each refused with a line that says what to do.

use cloakroom_core::store::ListQuery;
use cloakroom_sql::{OpenErrorKind, Progress, Scope, Stage};

use crate::world::{
    Place, Postgres, Sqlite, WAYS, account, add_account, add_service_token, copy, digest, interrupted, log_in, log_out,
    populate, service_token,
};

#[tokio::test]
async fn a_finished_copy_is_not_repeated() {
    for (from, to) in WAYS {
        let (_source_place, source) = Place::migrated(from).await;
        populate(&source).await;
        let target_place = Place::new(to);
        let target = target_place.open().await;
        copy(&source, &target).await.unwrap();
        log_out(&target, 1).await;
        let before = target_place.dump().await;
        let error = copy(&source, &target).await.unwrap_err();
        assert!(error.is_refused(), "{error}");
        assert!(error.to_string().contains("cloakroom migrate down --yes"), "{error}");
        target_place.dump().await.assert_is(&before, "");
        assert_eq!(target.sessions().find(digest(1)).await.unwrap(), None, "nobody comes back (G3)");
    }
}

#[tokio::test]
async fn a_target_in_use_is_left_alone() {
    for kind in [Sqlite, Postgres] {
        let (_source_place, source) = Place::migrated(Sqlite).await;
        populate(&source).await;
        for filled in ["session", "ended session", "account", "service token"] {
            let (place, target) = Place::migrated(kind).await;
            match filled {
                "account" => add_account(&target, account("9", "eve")).await,
                "service token" => add_service_token(&target, service_token("eve", 9)).await,
                _ => log_in(&target, 1).await,
            }
            if filled == "ended session" {
                log_out(&target, 1).await;
            }
            let before = place.dump().await;
            let error = copy(&source, &target).await.unwrap_err();
            assert!(error.is_refused() && error.to_string().contains("already holds"), "{error}");
            place.dump().await.assert_is(&before, "");
            target.require_migrated(Scope::Everything).await.unwrap();
        }
    }
}

/// A refused copy has not even made tables: here the target has those for sessions alone.
#[tokio::test]
async fn a_refused_copy_migrates_nothing() {
    for kind in [Sqlite, Postgres] {
        let (_source_place, source) = Place::migrated(Sqlite).await;
        let place = Place::new(kind);
        let target = place.open().await;
        target.migrate(Scope::Sessions).await.unwrap();
        log_in(&target, 1).await;
        assert!(copy(&source, &target).await.unwrap_err().is_refused());
        assert!(target.require_migrated(Scope::Everything).await.unwrap_err().is_not_migrated());
    }
}

#[tokio::test]
async fn an_unfinished_copy_of_another_source_is_left_alone() {
    for kind in [Sqlite, Postgres] {
        let (place, source) = Place::migrated(kind).await;
        let (_other_place, other) = Place::migrated(kind).await;
        populate(&source).await;
        let target_place = Place::new(kind);
        assert!(interrupted(&source, &target_place.open().await, 4).await.is_none());
        let target = target_place.open_as_target().await;
        let error = copy(&other, &target).await.unwrap_err();
        assert!(error.is_refused() && error.to_string().contains("an unfinished copy of "), "{error}");
        assert!(copy(&source, &target).await.unwrap().is_resumed);
        target_place.dump().await.assert_is(&place.dump().await, "");
    }
}

#[tokio::test]
async fn a_source_without_tables_is_no_source() {
    for kind in [Sqlite, Postgres] {
        let (source_place, target_place) = (Place::new(kind), Place::new(Sqlite));
        let error = copy(&source_place.open().await, &target_place.open().await).await.unwrap_err();
        assert!(error.to_string().contains("lacks the migration 0001_sessions"), "{error}");
    }
}

#[tokio::test]
async fn a_corrupt_row_stops_the_copy_and_loses_nothing() {
    for (from, to) in WAYS {
        let nonsense = if from == Sqlite { "x'00'" } else { "'\\x00'" };
        for (table, column, broken, mended) in [
            ("sessions", "auth_method", "'NO METHOD'", "'password'"),
            ("sessions", "absolute_expires_at", "absolute_expires_at", "absolute_expires_at"),
            ("session_feed", "reason", "'because'", "'logout'"),
            ("session_feed", "token_digest", nonsense, "NULL"),
            ("accounts", "login_name", "'ADA'", "'ada'"),
            ("accounts", "password_hash", "'letmein'", "password_hash"),
        ] {
            let (source_place, source) = Place::migrated(from).await;
            populate(&source).await;
            let key = match table {
                "sessions" => "subject <> 'ada'",
                "session_feed" => "reason = 'logout' OR reason = 'because'",
                _ => "subject = '1'",
            };
            let (broken, mended) = match (column, from, to) {
                // A time that only one of the two can hold.
                ("absolute_expires_at", Sqlite, Postgres) => ("9123372036854775807", "1890000000000"),
                ("absolute_expires_at", ..) => continue,
                ("password_hash", ..) => (broken, "(SELECT password_hash FROM accounts WHERE subject = '2')"),
                _ => (broken, mended),
            };
            source_place.sql(&format!("UPDATE {table} SET {column} = {broken} WHERE {key}")).await;
            let before = source_place.dump().await;
            let target_place = Place::new(to);
            let error = copy(&source, &target_place.open().await).await.unwrap_err();
            let text = error.to_string();
            assert!(error.is_corrupt() && text.contains(&format!("{table}.{column}")), "{from:?} {to:?} {text}");
            assert!(!text.contains(broken.trim_matches('\'')) || broken.contains("column"), "quotes a value: {text}");
            source_place.dump().await.assert_is(&before, "");
            source_place.sql(&format!("UPDATE {table} SET {column} = {mended} WHERE {key}")).await;
            let copied = copy(&source, &target_place.open_as_target().await).await.unwrap();
            assert!(copied.is_resumed);
            target_place.dump().await.assert_is(&source_place.dump().await, "");
        }
    }
}

/// Somebody writes into the target while it is copied into: the comparison at the end finds it, and the next run mends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_writes_into_the_target_is_found() {
    let intruders = [
        "UPDATE sessions SET absolute_expires_at = absolute_expires_at + interval '1 day'",
        "UPDATE accounts SET role = 'administrator'",
        "DELETE FROM sessions WHERE auth_method = 'password'",
        "INSERT INTO session_subjects VALUES ('eve')",
        "UPDATE session_feed SET reason = 'idle' WHERE kind = 'ended'",
    ];
    for intruder in intruders {
        let (source_place, source) = Place::migrated(Sqlite).await;
        populate(&source).await;
        let target_place = Place::new(Postgres);
        let schema = target_place.schema();
        let mut progress = |progress: Progress| {
            let is_written = progress.done == progress.total && progress.table == "session_feed";
            if progress.stage == Stage::Copying && is_written {
                schema.psql(intruder).unwrap();
            }
        };
        let error = source.copy_to(&target_place.open().await, &mut progress).await.unwrap_err();
        assert!(error.is_mismatch(), "{intruder}: {error}");
        let opened = cloakroom_sql::Database::open(&target_place.url(), cloakroom_sql::OpenOptions::default()).await;
        assert_eq!(opened.unwrap_err().kind(), OpenErrorKind::CopyUnfinished);
        copy(&source, &target_place.open_as_target().await).await.unwrap();
        target_place.dump().await.assert_is(&source_place.dump().await, intruder);
    }
}

/// SQLite lets another program write an account of the empty subject, which comes before every key.
#[tokio::test]
async fn a_row_before_every_key_is_not_left_behind() {
    let empty = "INSERT INTO accounts SELECT '', 'eve', password_hash, role, 0, 0, NULL FROM accounts LIMIT 1";
    let (source_place, source) = Place::migrated(Sqlite).await;
    populate(&source).await;
    source_place.sql(empty).await;
    let target_place = Place::new(Sqlite);
    let error = copy(&source, &target_place.open().await).await.unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("accounts.subject"), "{error}");
    source_place.sql("DELETE FROM accounts WHERE subject = ''").await;
    let mut progress = |progress: Progress| {
        if (progress.stage, progress.table, progress.done) == (Stage::Copying, "session_feed", 0) {
            target_place.try_sql_meanwhile(empty).unwrap();
        }
    };
    let error = source.copy_to(&target_place.open_as_target().await, &mut progress).await.unwrap_err();
    assert!(error.is_mismatch(), "{error}");
}

#[tokio::test]
async fn an_empty_database_is_copied_to_an_empty_one() {
    for (from, to) in WAYS {
        let (_source_place, source) = Place::migrated(from).await;
        let target_place = Place::new(to);
        let target = target_place.open().await;
        let copied = copy(&source, &target).await.unwrap();
        assert!(copied.tables.iter().all(|table| table.rows == 0));
        log_in(&target, 1).await;
        let all = ListQuery { limit: 10, ..ListQuery::default() };
        assert_eq!(target.sessions().list(all).await.unwrap().sessions.len(), 1);
    }
}
