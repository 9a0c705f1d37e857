//! A late login loses (G4), schedule by schedule: one is held back with its locks, the other waits for it. Other orders of
//! the same steps, written out here, win in the very same schedules: so those are sharp.

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Changed, Issued, Moment, PasswordChange, StoreErrorKind, Target};
use cloakroom_sql::{IssueIn as _, OpenOptions};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinHandle;

use crate::world::{Hand, NOW, World, digest, hash, issue_of, subject, version};

/// How a login does its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Login {
    /// As the store does.
    Real,
    /// Decides without the subject's lock.
    Unlocked,
    /// Decides in the statement that waits for the lock, whose snapshot is from before.
    DecidesWhileLocking,
}

/// Starts to issue a session of ada's that began at `moment`; whether there is one.
fn issue(world: &World, login: Login, moment: Moment) -> JoinHandle<bool> {
    let (sessions, url) = (world.sessions.clone(), world.url.clone());
    tokio::spawn(async move {
        if login != Login::Real {
            return issue_wrongly(&url, login, moment).await;
        }
        match sessions.issue(issue_of(moment, "ada", 2)).await.unwrap() {
            Issued::Created { .. } => true,
            Issued::Overtaken => false,
        }
    })
}

/// The subject is known here: making sure of its row would wait for a revocation as well.
async fn issue_wrongly(url: &str, login: Login, moment: Moment) -> bool {
    let Moment::Snapshot(moment) = moment else { panic!("no snapshot: {moment:?}") };
    let mut connection = PgConnection::connect(url).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let decide = match login {
        Login::Unlocked => {
            "SELECT EXISTS (SELECT 1 FROM session_subjects WHERE subject IN ('ada', '') AND all_ended_at IS NOT NULL \
             AND NOT pg_visible_in_snapshot(all_ended_at, $1::pg_snapshot))"
        }
        _ => {
            "WITH locked AS MATERIALIZED (SELECT 1 FROM session_subjects WHERE subject = 'ada' FOR NO KEY UPDATE) \
             SELECT EXISTS (SELECT 1 FROM session_subjects WHERE subject IN ('ada', '') AND all_ended_at IS NOT NULL \
             AND NOT pg_visible_in_snapshot(all_ended_at, $1::pg_snapshot)) FROM locked"
        }
    };
    let overtaken: bool = sqlx::query_scalar(decide).bind(&*moment).fetch_one(&mut *transaction).await.unwrap();
    if !overtaken {
        let insert = "INSERT INTO sessions SELECT $1, gen_random_uuid(), 'ada', now(), now(), now(), NULL, 'infinity', \
             'password'";
        sqlx::query(insert).bind(digest(2).as_bytes().to_vec()).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    !overtaken
}

/// What ends everything of ada's.
#[derive(Clone, Copy, Debug)]
enum Revocation {
    OfSubject,
    OfOthers,
    OfEveryone,
    Password,
    Disabling,
    Removal,
}

const REVOCATIONS: [Revocation; 6] = [
    Revocation::OfSubject,
    Revocation::OfOthers,
    Revocation::OfEveryone,
    Revocation::Password,
    Revocation::Disabling,
    Revocation::Removal,
];

/// Starts the store's own revocation; how many sessions it ended.
fn revoke(world: &World, revocation: Revocation) -> JoinHandle<u64> {
    let (sessions, accounts, ada) = (world.sessions.clone(), world.accounts.clone(), subject("ada"));
    let done = |changed| match changed {
        Changed::Done { ended } => ended,
        other => panic!("{other:?}"),
    };
    tokio::spawn(async move {
        let end = async |target| sessions.end(target, EndReason::SubjectWide, NOW).await.unwrap();
        match revocation {
            Revocation::OfSubject => end(Target::Subject(ada)).await,
            Revocation::OfOthers => end(Target::Others(ada, digest(77))).await,
            Revocation::OfEveryone => end(Target::Everyone).await,
            Revocation::Password => {
                let change = PasswordChange { subject: ada, expected: None, new: hash(1), keep: None, at: NOW };
                done(accounts.change_password(change).await.unwrap())
            }
            Revocation::Disabling => done(accounts.disable(ada, NOW).await.unwrap()),
            Revocation::Removal => done(accounts.remove(ada, NOW).await.unwrap()),
        }
    })
}

async fn stale_sessions(world: &World) -> i64 {
    world.hand().await.number("SELECT count(*) FROM sessions").await
}

async fn with_ada() -> World {
    let world = World::new().await;
    world.account("ada").await;
    world.log_in("ada", 1).await;
    world
}

/// The revocation has marked and waits, for a row that somebody else has locked, to delete. A login that began before it
/// comes, and waits in turn. Returns whether a session survives.
async fn outlives(login: Login, revocation: Revocation) -> bool {
    let world = with_ada().await;
    let moment = world.sessions.begin().await.unwrap();
    let mut hand = world.hand().await;
    hand.run("BEGIN; SELECT 1 FROM sessions FOR UPDATE").await;
    let revoking = revoke(&world, revocation);
    hand.holds_back(1).await;
    let logging_in = issue(&world, login, moment);
    hand.holds_back_while(2, || !logging_in.is_finished()).await;
    hand.run("COMMIT").await;
    assert_eq!(revoking.await.unwrap(), 1);
    let created = logging_in.await.unwrap();
    assert_eq!(created, stale_sessions(&world).await > 0);
    created
}

#[tokio::test]
async fn a_login_that_waited_for_a_revocation_loses_to_it() {
    for revocation in REVOCATIONS {
        assert!(!outlives(Login::Real, revocation).await, "outlived {revocation:?}");
    }
}

#[tokio::test]
async fn in_another_order_it_would_win() {
    for login in [Login::Unlocked, Login::DecidesWhileLocking] {
        for revocation in [Revocation::OfSubject, Revocation::Password] {
            assert!(outlives(login, revocation).await, "the schedule is blind: {login:?}, {revocation:?}");
        }
    }
}

/// Closes a gate in front of what `trigger` names, on the connection that is returned.
async fn gate(world: &World, trigger: &str) -> Hand {
    let mut hand = world.hand().await;
    hand.run(&format!(
        "CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema())); RETURN NEW; END $$;
         CREATE TRIGGER gate {trigger} EXECUTE FUNCTION wait_at_gate();
         SELECT pg_advisory_lock(hashtext(current_schema()))"
    ))
    .await;
    hand
}

/// The login has decided when the revocation comes, and is held back in front of its row. Returns whether it survives.
async fn outlives_though_quicker(login: Login) -> bool {
    let world = with_ada().await;
    let moment = world.sessions.begin().await.unwrap();
    let mut gate = gate(&world, "BEFORE INSERT ON sessions FOR EACH ROW").await;
    let logging_in = issue(&world, login, moment);
    gate.holds_back_while(1, || !logging_in.is_finished()).await;
    let revoking = revoke(&world, Revocation::OfSubject);
    gate.holds_back_while(2, || !revoking.is_finished()).await;
    gate.run("SELECT pg_advisory_unlock_all()").await;
    let ended = revoking.await.unwrap();
    assert!(logging_in.await.unwrap(), "nothing had been revoked when it decided");
    let survives = stale_sessions(&world).await > 0;
    assert_eq!(ended, if survives { 1 } else { 2 });
    survives
}

#[tokio::test]
async fn a_login_that_is_quicker_has_a_row_to_delete() {
    assert!(!outlives_though_quicker(Login::Real).await);
    assert!(outlives_though_quicker(Login::Unlocked).await, "the schedule is blind");
}

/// Another program's revocation is held open while a login that began before it waits.
async fn outlives_by_hand(revocation: &str) -> bool {
    let world = with_ada().await;
    let moment = world.sessions.begin().await.unwrap();
    let mut hand = world.hand().await;
    hand.run(&format!("BEGIN; {revocation}")).await;
    let logging_in = issue(&world, Login::Real, moment);
    hand.holds_back_while(1, || !logging_in.is_finished()).await;
    hand.run("COMMIT").await;
    logging_in.await.unwrap() || stale_sessions(&world).await > 0
}

const MARK: &str = "UPDATE session_subjects SET all_ended_at = pg_current_xact_id() WHERE subject = 'ada'";

#[tokio::test]
async fn it_loses_to_another_programs_revocation_too() {
    for revocation in ["TRUNCATE sessions", &format!("{MARK}; DELETE FROM sessions")] {
        assert!(!outlives_by_hand(revocation).await, "outlived {revocation}");
    }
}

#[tokio::test]
async fn it_loses_to_one_that_came_between_its_first_step_and_the_lock() {
    let world = with_ada().await;
    let moment = world.sessions.begin().await.unwrap();
    // It has made sure of the subject's row, which waits for others as well, and has not locked it yet.
    let mut gate = gate(&world, "AFTER INSERT ON session_subjects FOR EACH STATEMENT").await;
    let logging_in = issue(&world, Login::Real, moment);
    gate.holds_back_while(1, || !logging_in.is_finished()).await;
    let mut hand = world.hand().await;
    hand.run(&format!("BEGIN; {MARK}; DELETE FROM sessions")).await;
    gate.run("SELECT pg_advisory_unlock_all()").await;
    hand.holds_back_while(1, || !logging_in.is_finished()).await;
    hand.run("COMMIT").await;
    assert!(!logging_in.await.unwrap(), "only a snapshot taken after the lock shows what the lock waited for");
    assert_eq!(stale_sessions(&world).await, 0);
}

#[tokio::test]
async fn a_revocation_that_was_taken_back_stops_nobody() {
    let world = with_ada().await;
    let moment = world.sessions.begin().await.unwrap();
    let mut hand = world.hand().await;
    hand.run(&format!("BEGIN; {MARK}")).await;
    let logging_in = issue(&world, Login::Real, moment);
    hand.holds_back_while(1, || !logging_in.is_finished()).await;
    hand.run("ROLLBACK").await;
    assert!(logging_in.await.unwrap() && world.is_found(2).await);
}

/// The credential a login has read.
async fn credential(world: &World) -> u32 {
    version(&world.accounts.by_subject(subject("ada")).await.unwrap().unwrap().password_hash)
}

#[tokio::test]
async fn the_moment_is_taken_before_the_credential_is_read() {
    for begins_first in [true, false] {
        let world = with_ada().await;
        let early = world.sessions.begin().await.unwrap();
        let read = credential(&world).await;
        assert_eq!(revoke(&world, Revocation::Password).await.unwrap(), 1);
        let moment = if begins_first { early } else { world.sessions.begin().await.unwrap() };
        let created = issue(&world, Login::Real, moment).await.unwrap();
        assert_eq!((read, credential(&world).await), (0, 1), "the login knows the old password only");
        assert_eq!(created, !begins_first, "what begins late cannot know that its credential is old");
    }
}

#[tokio::test]
async fn a_transaction_that_sees_only_the_past_is_refused() {
    let world = with_ada().await;
    // PostgreSQL itself refuses to lock a row that changed behind the snapshot; all the rest is the store's to notice.
    for (revocation, refusal) in [
        (None, StoreErrorKind::Conflict),
        (Some(Revocation::OfEveryone), StoreErrorKind::Conflict),
        (Some(Revocation::OfSubject), StoreErrorKind::Busy),
    ] {
        for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
            let moment = world.sessions.begin().await.unwrap();
            let mut hand = world.hand().await;
            let mut transaction = hand.connection().begin().await.unwrap();
            let isolate = sqlx::AssertSqlSafe(format!("SET TRANSACTION ISOLATION LEVEL {isolation}"));
            sqlx::query(isolate).execute(&mut *transaction).await.unwrap();
            sqlx::query("SELECT 1 FROM sessions").execute(&mut *transaction).await.unwrap(); // its one snapshot
            if let Some(revocation) = revocation {
                revoke(&world, revocation).await.unwrap();
            }
            let refused = transaction.issue_in(issue_of(moment, "ada", 2)).await.unwrap_err();
            assert_eq!(*refused.kind(), refusal, "{isolation}, {revocation:?}");
            transaction.rollback().await.unwrap();
        }
    }
    assert_eq!(stale_sessions(&world).await, 0);
}

#[tokio::test]
async fn a_login_under_way_holds_no_connection() {
    let world = World::with(OpenOptions { connections_max: 1, ..OpenOptions::default() }).await;
    world.account("ada").await;
    let mut attempts = Vec::new();
    for n in 1..=20 {
        attempts.push(world.issue("ada", n).await);
        assert_eq!(credential(&world).await, 0); // and now a password would be hashed
    }
    world.database.ping().await.unwrap();
    assert_eq!(world.sessions.end(Target::Token(digest(99)), EndReason::Logout, NOW).await.unwrap(), 0);
    for attempt in attempts {
        assert_eq!(world.sessions.issue(attempt).await.unwrap(), Issued::Created { over_cap: 0 });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_cap_is_exact_across_instances() {
    let world = World::new().await;
    let there = world.instance().await;
    let mut hand = world.hand().await;
    for round in 0..4 {
        // Fewer than there are connections: nobody waits for one.
        let logins = (1..=12).map(|n| {
            let sessions = if n % 2 == 0 { world.sessions.clone() } else { there.sessions.clone() };
            tokio::spawn(async move {
                let mut issue = issue_of(sessions.begin().await.unwrap(), "ada", 100 * round + n);
                issue.max_per_subject = 3;
                match sessions.issue(issue).await.unwrap() {
                    Issued::Created { over_cap } => over_cap,
                    Issued::Overtaken => panic!("nobody was revoked"),
                }
            })
        });
        let mut over_cap = 0;
        for login in logins.collect::<Vec<_>>() {
            over_cap += login.await.unwrap();
        }
        let there_were = if round == 0 { 0 } else { 3 };
        assert_eq!((over_cap, hand.number("SELECT count(*) FROM sessions").await), (12 + there_were - 3, 3));
    }
}
