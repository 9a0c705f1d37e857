//! Logins racing password changes for real, on two instances: no session of an old password is left. Seeded; what raced
//! is printed. The schedules one by one are in `login`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::AuthMethod;
use cloakroom_core::store::{Changed, Issued, PasswordChange, Target};
use cloakroom_core::world::PredictableRandom;

use crate::world::{Hand, NOW, World, below, dawdle, hash, issue_of, seed, subject, version};

/// As many subjects as there are who change passwords.
const SUBJECTS: u32 = 4;
const LOGINS: u32 = 12;
/// Password changes per subject.
const CHANGES: u32 = 60;

#[derive(Debug, Default)]
struct Counts {
    created: AtomicU32,
    overtaken: AtomicU32,
    stale: AtomicU32,
    is_over: AtomicBool,
}

/// Logs in again and again; the session remembers the version of the password it was issued for.
async fn log_in(world: Arc<World>, task: u32, seed: u64, counts: Arc<Counts>) {
    let random = PredictableRandom::from_seed(seed << 8 | u64::from(task));
    let mut number = u64::from(task) << 32;
    while !counts.is_over.load(Ordering::SeqCst) {
        let name = format!("u{}", below(&random, SUBJECTS.into()));
        let moment = world.sessions.begin().await.unwrap();
        let account = world.accounts.by_subject(subject(&name)).await.unwrap().unwrap();
        dawdle(&random, 60).await; // the password is hashed
        number += 1;
        let mut issue = issue_of(moment, &name, number);
        issue.session.auth_method = AuthMethod::new(&format!("v{}", version(&account.password_hash))).unwrap();
        let count = match world.sessions.issue(issue).await.unwrap() {
            Issued::Created { .. } => &counts.created,
            Issued::Overtaken => &counts.overtaken,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Changes one subject's password: with everything else in one transaction, or first the password and then the rest.
async fn change_passwords(world: Arc<World>, mut hand: Hand, user: u32, seed: u64, counts: Arc<Counts>) {
    let random = PredictableRandom::from_seed(seed << 8 | u64::from(200 + user));
    let name = format!("u{user}");
    for version in 1..=CHANGES {
        let subject = subject(&name);
        if below(&random, 2) == 0 {
            let change = PasswordChange { subject, expected: None, new: hash(version), keep: None, at: NOW };
            assert!(matches!(world.accounts.change_password(change).await.unwrap(), Changed::Done { .. }));
        } else {
            let hash = hash(version);
            hand.run(&format!("UPDATE accounts SET password_hash = '{}' WHERE subject = '{name}'", hash.as_str()))
                .await;
            world.sessions.end(Target::Subject(subject), EndReason::PasswordChanged, NOW).await.unwrap();
        }
        dawdle(&random, 120).await;
        let stale = format!(
            "SELECT count(*) FROM sessions WHERE subject = '{name}' AND substr(auth_method, 2)::int < {version}"
        );
        let stale = u32::try_from(hand.number(&stale).await).unwrap();
        counts.stale.fetch_add(stale, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_login_outlives_a_password_change() {
    let here = Arc::new(World::new().await);
    let there = Arc::new(here.instance().await);
    let (counts, seed) = (Arc::new(Counts::default()), seed());
    for user in 0..SUBJECTS {
        here.account(&format!("u{user}")).await;
    }
    let mut changes = Vec::new();
    for user in 0..SUBJECTS {
        let hand = here.hand().await;
        changes.push(tokio::spawn(change_passwords(Arc::clone(&here), hand, user, seed, Arc::clone(&counts))));
    }
    let logins = (0..LOGINS).map(|task| {
        let world = Arc::clone(if task % 2 == 0 { &here } else { &there });
        tokio::spawn(log_in(world, task, seed, Arc::clone(&counts)))
    });
    let logins: Vec<_> = logins.collect();
    for change in changes {
        change.await.unwrap();
    }
    counts.is_over.store(true, Ordering::SeqCst);
    for login in logins {
        login.await.unwrap();
    }
    println!("{SUBJECTS} times {CHANGES} password changes: {counts:?}");
    assert_eq!(counts.stale.load(Ordering::SeqCst), 0, "sessions of an old password");
    let [created, overtaken] = [&counts.created, &counts.overtaken].map(|count| count.load(Ordering::SeqCst));
    assert!(created > 50 && overtaken > 10, "they did not meet: {counts:?}");
}
