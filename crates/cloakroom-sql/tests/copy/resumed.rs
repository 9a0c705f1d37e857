//! A copy that was interrupted: run again it is finished, and nobody comes back through it.

use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Changed, Replace, Touch};
use cloakroom_sql::{Database, OpenErrorKind, OpenOptions, Progress, Scope, Stage};

use crate::world::{
    NOW, Place, Postgres, Sqlite, WAYS, account, add_account, add_service_token, copy, digest, interrupted, log_in,
    log_out, populate, record, service_token, subject,
};

/// At every point at which progress is told, until a copy gets through.
#[tokio::test]
async fn wherever_it_stopped_it_is_finished() {
    for (from, to) in WAYS {
        let (source_place, source) = Place::migrated(from).await;
        populate(&source).await;
        source_place.crowd(1200).await;
        let mut stopped = 0;
        let mut points = 0;
        let uninterrupted = Place::new(to);
        source.copy_to(&uninterrupted.open().await, &mut |_| points += 1).await.unwrap();
        for point in 1..=points {
            let target_place = Place::new(to);
            if interrupted(&source, &target_place.open().await, point).await.is_some() {
                continue; // it had nothing to wait for any more
            }
            stopped += 1;
            match copy(&source, &target_place.open_as_target().await).await {
                Ok(copied) => {
                    let removed: u64 = copied.tables.iter().map(|table| table.removed).sum();
                    assert_eq!((copied.is_resumed, removed), (true, 0), "{from:?} {to:?} {point}");
                }
                // Its last commit was on the way already, so it is as finished as any.
                Err(error) => assert!(error.is_refused(), "{from:?} {to:?} {point} {error}"),
            }
            target_place.open().await.require_migrated(Scope::Everything).await.unwrap();
            target_place.dump().await.assert_is(&source_place.dump().await, (from, to, point));
        }
        assert!(stopped >= 10, "{from:?} {to:?} {stopped} of {points}");
    }
}

/// What happens at the source between two runs, with everything that was there copied by the first.
#[tokio::test]
async fn what_changed_in_between_is_the_sources_in_the_end() {
    for (from, to) in WAYS {
        let (source_place, source) = Place::migrated(from).await;
        populate(&source).await;
        source_place.crowd(1500).await;
        // So far that all is written, and only the comparison is missing.
        let target_place = Place::new(to);
        let all = told_until_compared(&source).await;
        assert!(interrupted(&source, &target_place.open().await, all).await.is_none());
        target_place.dump().await.assert_is(&source_place.dump().await, "the first run wrote everything");

        let sessions = source.sessions();
        log_out(&source, 1).await;
        log_in(&source, 20).await;
        let used = Touch { digest: digest(5), used_at: NOW.plus(Duration::from_mins(5)) };
        assert!(sessions.touch(vec![used], NOW).await.unwrap().is_empty());
        // The same session under a digest that comes before the old one: two rows with one id, if the old one stays.
        let replace = Replace { old: digest(6), new: digest(0), now: NOW, reauthenticated_until: None };
        assert!(sessions.replace(replace).await.unwrap());
        // A login name that changes hands, to a subject that comes before.
        assert_ne!(source.accounts().remove(subject("1"), NOW).await.unwrap(), Changed::Missing);
        add_account(&source, account("0", "ada")).await;
        // A service token that was used, and one of whose name there is another now.
        let tokens = source.accounts();
        tokens.use_service_token(service_token("billing", 1).digest, NOW).await.unwrap();
        assert!(tokens.remove_service_token(service_token("Next.js_2-b", 2).name).await.unwrap());
        add_service_token(&source, service_token("Next.js_2-b", 3)).await;
        source_place.sql("DELETE FROM sessions WHERE subject = 'crowd 7'").await;
        source_place.sql("DELETE FROM session_subjects WHERE subject = 'crowd 7'").await;

        let target = target_place.open_as_target().await;
        let copied = copy(&source, &target).await.unwrap();
        assert!(copied.is_resumed);
        let of_tokens = copied.tables.iter().find(|table| table.table == "service_tokens").unwrap();
        assert_eq!((of_tokens.rows, of_tokens.written, of_tokens.removed), (2, 2, 2), "{from:?} {to:?}");
        target_place.dump().await.assert_is(&source_place.dump().await, (from, to));
        for gone in [1, 6] {
            assert_eq!(target.sessions().find(digest(gone)).await.unwrap(), None, "{from:?} {to:?} {gone}");
        }
        let ending = target.sessions().ending_of(digest(1)).await.unwrap().unwrap();
        assert_eq!(ending.reason, EndReason::Logout, "no correction is taken for an ending");
        assert_eq!(target.sessions().ending_of(digest(5)).await.unwrap(), None);
        let replaced = target.accounts().service_token(service_token("Next.js_2-b", 2).digest).await.unwrap();
        assert_eq!(replaced, None, "what was taken away does not come back");
        assert_eq!(target.sessions().find(digest(0)).await.unwrap().map(|found| found.id), Some(record(6).id));
        log_out(&target, 20).await; // positions go on where none was ever given out
    }
}

/// How much is told before both are compared, found out on a target of its own.
async fn told_until_compared(source: &Database) -> u32 {
    let place = Place::new(Sqlite);
    let mut told = 0;
    let mut progress = |progress: Progress| {
        told += u32::from(progress.stage == Stage::Copying);
    };
    source.copy_to(&place.open().await, &mut progress).await.unwrap();
    told
}

#[tokio::test]
async fn an_unfinished_copy_is_not_served() {
    for kind in [Sqlite, Postgres] {
        let (_source_place, source) = Place::migrated(Sqlite).await;
        populate(&source).await;
        let target_place = Place::new(kind);
        let (target, earlier) = (target_place.open().await, target_place.open().await);
        assert!(interrupted(&source, &target, 3).await.is_none());
        let unfinished = target_place.open_as_target().await.unfinished_copy().await.unwrap().unwrap();
        assert!(unfinished.source.is_some_and(|source| source.contains("cloakroom.db")));
        let opened = Database::open(&target_place.url(), OpenOptions::default()).await;
        for error in [opened.unwrap_err(), earlier.require_migrated(Scope::Sessions).await.unwrap_err()] {
            let text = error.to_string();
            assert_eq!(error.kind(), OpenErrorKind::CopyUnfinished, "{text}");
            assert!(text.contains("a copy into it is not finished; run cloakroom migrate copy again"), "{text}");
        }
        // Nor copied from.
        let error = copy(&earlier, &Place::new(Sqlite).open().await).await.unwrap_err();
        assert!(error.to_string().contains("is not finished"), "{error}");
        // It can be dropped, and begun anew.
        target.roll_back(Scope::Everything).await.unwrap();
        assert_eq!(target.unfinished_copy().await.unwrap(), None);
        assert!(!copy(&source, &target_place.open().await).await.unwrap().is_resumed);
        assert_eq!(target.unfinished_copy().await.unwrap(), None);
    }
}

/// Two at once, where the source lets both read: the later one goes on, the earlier one stops and does no harm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_later_of_two_copies_wins() {
    for kind in [Sqlite, Postgres] {
        let (source_place, source) = Place::migrated(Postgres).await;
        populate(&source).await;
        source_place.crowd(1500).await;
        let target_place = Place::new(kind);
        let target = target_place.open().await;
        let (mut is_first, later) = (true, (source.clone(), target.clone()));
        let mut progress = |_: Progress| {
            if std::mem::take(&mut is_first) {
                let (source, target) = later.clone();
                let run = async move { interrupted(&source, &target, 6).await };
                let done = std::thread::spawn(move || tokio::runtime::Runtime::new().unwrap().block_on(run)).join();
                assert!(done.unwrap().is_none());
            }
        };
        let error = source.copy_to(&target, &mut progress).await.unwrap_err();
        assert!(error.to_string().contains("another copy"), "{error}");
        assert!(copy(&source, &target).await.unwrap().is_resumed);
        target_place.dump().await.assert_is(&source_place.dump().await, "");
    }
}
