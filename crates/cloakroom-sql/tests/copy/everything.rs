//! What arrives: every field of every row, in both directions, and a history that goes on.

use std::time::Duration;

use cloakroom_core::account::LoginName;
use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::{Issued, ListQuery, PAGE_MAX, StoreErrorKind, Target};
use cloakroom_sql::{Database, OpenOptions, Progress, Scope, Stage};

use testbed::postgres::Cluster;

use crate::world::{
    NOW, Place, Postgres, Sqlite, WAYS, copy, digest, issue, log_in, log_out, populate, record, service_token, subject,
};

#[tokio::test]
async fn every_field_survives_the_way_there_and_back() {
    let (first, sqlite) = Place::migrated(Sqlite).await;
    populate(&sqlite).await;
    let before = first.dump().await;
    let (there, back) = (Place::new(Postgres), Place::new(Sqlite));
    let postgres = there.open().await;
    let copied = copy(&sqlite, &postgres).await.unwrap();
    let rows: Vec<_> =
        copied.tables.iter().map(|table| (table.table, table.rows, table.written, table.removed)).collect();
    let expected = [
        ("accounts", 2, 2, 0),
        ("service_tokens", 2, 2, 0),
        ("session_feed", 4, 4, 0),
        ("session_subjects", 4, 4, 0),
        ("sessions", 9, 9, 0),
    ];
    assert_eq!((copied.is_resumed, rows), (false, expected.to_vec()));
    there.dump().await.assert_is(&before, "");
    copy(&postgres, &back.open().await).await.unwrap();
    back.dump().await.assert_is(&before, "");
    first.dump().await.assert_is(&before, "the source is left as it was");
}

/// What another program may have written more exactly than to the millisecond ends a little earlier, never later.
#[tokio::test]
async fn fractions_of_a_millisecond_are_cut_off() {
    for to in [Sqlite, Postgres] {
        let (place, source) = Place::migrated(Postgres).await;
        log_in(&source, 1).await;
        let finer = "UPDATE sessions SET idle_timeout = interval '90.0009 s', created_at = created_at + interval '999 us', \
             absolute_expires_at = absolute_expires_at + interval '1 us'";
        place.sql(finer).await;
        let target_place = Place::new(to);
        let target = target_place.open().await;
        copy(&source, &target).await.unwrap();
        let expected = SessionRecord { idle_timeout: Some(Duration::from_secs(90)), ..record(1) };
        assert_eq!(target.sessions().find(digest(1)).await.unwrap(), Some(expected), "{to:?}");
    }
}

#[tokio::test]
async fn what_was_valid_is_valid_and_what_ended_says_why() {
    for (from, to) in WAYS {
        let (_source_place, source) = Place::migrated(from).await;
        populate(&source).await;
        let target_place = Place::new(to);
        let target = target_place.open().await;
        copy(&source, &target).await.unwrap();

        let target = target_place.open().await; // as whoever serves it next
        target.require_migrated(Scope::Everything).await.unwrap();
        let sessions = target.sessions();
        for n in 1..=12 {
            let found = sessions.find(digest(n)).await.unwrap();
            assert_eq!(found, (!(2..=4).contains(&n)).then(|| record(n)), "{from:?} {to:?} {n}");
        }
        for (n, reason) in [(2, EndReason::Logout), (3, EndReason::Administrator), (4, EndReason::OtherDevice)] {
            let ending = sessions.ending_of(digest(n)).await.unwrap().unwrap();
            assert_eq!((ending.session, ending.reason, ending.at), (record(n).id, reason, NOW));
        }
        let all = ListQuery { limit: PAGE_MAX, ..ListQuery::default() };
        assert_eq!(sessions.list(all.clone()).await.unwrap(), source.sessions().list(all).await.unwrap());
        let ada = target.accounts().by_login_name(LoginName::new("ada").unwrap()).await.unwrap();
        assert_eq!(ada, source.accounts().by_subject(subject("1")).await.unwrap());

        let token = service_token("Next.js_2-b", 2);
        assert_eq!(target.accounts().service_token(token.digest).await.unwrap(), Some(token), "{from:?} {to:?}");

        // And it lives on: newer endings come after the older ones, logins work, a subject can be ended.
        log_out(&target, 1).await;
        let endings = sessions.endings(record(1).subject, 10).await.unwrap();
        assert_eq!(endings[0].session, record(1).id);
        log_in(&target, 13).await;
        let ended = sessions.end(Target::Everyone, EndReason::Everyone, NOW).await.unwrap();
        assert_eq!(ended, 9, "{from:?} {to:?}");
    }
}

/// G4 over the copy: what was ended at the source is not outlived by a login that is finished at the target.
#[tokio::test]
async fn a_login_that_began_before_cannot_be_finished_in_the_target() {
    for (from, to) in WAYS {
        let (_source_place, source) = Place::migrated(from).await;
        populate(&source).await;
        let (target_place, unused) = Place::migrated(to).await;
        let late = [source.sessions().begin().await.unwrap(), unused.sessions().begin().await.unwrap()];
        source.sessions().end(Target::Subject(record(5).subject), EndReason::SubjectWide, NOW).await.unwrap();
        copy(&source, &target_place.open().await).await.unwrap();
        for (at, moment) in late.into_iter().enumerate() {
            let issued = issue(&unused, moment, 5).await;
            match issued {
                Ok(issued) => assert_eq!(issued, Issued::Overtaken, "{from:?} {to:?} {at}"),
                Err(error) => {
                    assert_eq!((error.kind(), from == to), (&StoreErrorKind::Conflict, false), "{from:?} {to:?} {at}");
                }
            }
            assert_eq!(unused.sessions().find(digest(5)).await.unwrap(), None);
        }
        log_in(&unused, 5).await;
    }
}

/// The same where nothing of the feed is left to show which positions were given out.
#[tokio::test]
async fn a_late_login_loses_to_what_the_feed_has_forgotten() {
    let (source_place, source) = Place::migrated(Sqlite).await;
    populate(&source).await;
    let late = source.sessions().begin().await.unwrap();
    source.sessions().end(Target::Everyone, EndReason::Everyone, NOW).await.unwrap();
    source_place.sql("DELETE FROM session_feed").await;
    let target_place = Place::new(Sqlite);
    let target = target_place.open().await;
    copy(&source, &target).await.unwrap();
    assert_eq!(issue(&target, late, 5).await.unwrap(), Issued::Overtaken);
    log_in(&target, 5).await;
}

/// Whoever may make tables in a schema may copy into it, and out of it: no superuser is needed.
#[tokio::test]
async fn an_ordinary_role_is_enough() {
    let (source_place, source) = Place::migrated(Sqlite).await;
    populate(&source).await;
    let (target_place, back_place) = (Place::new(Postgres), Place::new(Sqlite));
    let role = format!("owner_of_{}", target_place.schema().name());
    let grant = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'of {role}'; ALTER SCHEMA {} OWNER TO {role}",
        target_place.schema().name()
    );
    target_place.sql(&grant).await;
    let superuser = format!("postgres:{}@", Cluster::shared().password());
    let url = target_place.url().replace(&superuser, &format!("{role}:of%20{role}@"));
    let target = Database::open(&url, OpenOptions::default()).await.unwrap();
    copy(&source, &target).await.unwrap();
    copy(&target, &back_place.open().await).await.unwrap();
    back_place.dump().await.assert_is(&source_place.dump().await, "");
}

#[tokio::test]
async fn many_sessions_are_copied_a_chunk_at_a_time() {
    for (from, to) in [(Sqlite, Postgres), (Postgres, Sqlite)] {
        let (source_place, source) = Place::migrated(from).await;
        source_place.crowd(20_500).await;
        let target_place = Place::new(to);
        let (mut last, mut widest, mut told) = (None::<Progress>, 0, 0);
        let mut progress = |progress: Progress| {
            if let Some(last) = last.filter(|last| (last.stage, last.table) == (progress.stage, progress.table)) {
                widest = widest.max(progress.done - last.done);
            }
            told += u32::from(progress.stage == Stage::Copying);
            last = Some(progress);
        };
        let copied = source.copy_to(&target_place.open().await, &mut progress).await.unwrap();
        assert_eq!(copied.tables.last().map(|table| table.rows), Some(20_500));
        assert!(widest <= 1000 && told > 20, "{widest} {told}");
        target_place.dump().await.assert_is(&source_place.dump().await, "");
    }
}

#[tokio::test]
async fn a_library_users_database_has_no_accounts_and_gets_none() {
    for (from, to) in [(Sqlite, Postgres), (Postgres, Sqlite)] {
        let (source_place, target_place) = (Place::new(from), Place::new(to));
        let source = source_place.open().await;
        source.migrate(Scope::Sessions).await.unwrap();
        log_in(&source, 1).await;
        let target = target_place.open().await;
        let copied = copy(&source, &target).await.unwrap();
        assert_eq!(copied.tables.len(), 3);
        assert_eq!(target.sessions().find(digest(1)).await.unwrap(), Some(record(1)));
        target.require_migrated(Scope::Sessions).await.unwrap();
        assert!(target.require_migrated(Scope::Everything).await.unwrap_err().is_not_migrated());
    }
}

/// A path that names the file in another way, and a URL that names the server in another way.
#[tokio::test]
async fn a_database_is_itself_by_whatever_url() {
    let (place, database) = Place::migrated(Sqlite).await;
    let url = place.url().replace("/cloakroom.db", "/./cloakroom.db");
    let (schema, server) = Place::migrated(Postgres).await;
    let other_url = schema.url().replace("127.0.0.1", "localhost") + "&application_name=x";
    for (database, url) in [(database, url), (server, other_url)] {
        let again = Database::open(&url, OpenOptions::default()).await.unwrap();
        let error = copy(&database, &again).await.unwrap_err();
        assert!(error.is_refused() && error.to_string().contains("to itself"), "{error}");
    }
}
