//! The same work for every refusal, counted by hash calls; and logins paused between the check and the insert.

mod equal_work;

use std::sync::{Arc, Condvar, Mutex};

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom::{Sessions, Validation};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::password::{
    Argon2idHasher, CountingHasher, HashError, HashParameters, Hasher, Password, PasswordHash, PasswordRules,
};
use cloakroom_core::session::Subject;
use cloakroom_core::store::{ListQuery, PasswordChange, Precedence};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::{Database, OpenOptions, Scope};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use crate::app::Parts;
use crate::events::Recorder;
use crate::hashing::{Hashing, WAITING_PER_HASH};
use crate::locale::{Catalogue, Locale};
use crate::measurements::Measurements;
use crate::metrics::Metrics;
use crate::password::NewPasswords;
use crate::service_token::ServiceTokens;
use crate::setup::Setup;
use crate::stop::Stopping;
use crate::telemetry::LogLines;
use crate::throttle::Networks;
use crate::traces::Traces;

const PASSWORD: &str = "violet tractor hums at noon";

/// A server without a socket, on a real file, with the accounts ada and gone; gone is disabled.
struct World {
    app: App,
    database: Database,
    _dir: TempDir,
}

impl World {
    async fn with(hasher: Arc<dyn Hasher>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("test.db").display());
        let database = Database::open(&url, OpenOptions::default()).await.unwrap();
        database.migrate(Scope::Everything).await.unwrap();
        let app = App::new(Parts {
            sessions: Sessions::builder().store(database.sessions()).unwrap(),
            accounts: database.accounts(),
            database: database.clone(),
            hashing: Hashing::start(hasher, 2).unwrap(),
            new_passwords: NewPasswords::new(PasswordRules::default(), None),
            catalogue: Catalogue::load().unwrap(),
            setup: Setup::new(&SystemRandom).unwrap().0,
            recorder: Recorder::start(database.accounts()),
            service_tokens: ServiceTokens::new(&Validation::Strict),
            stopping: Stopping::default(),
            measurements: Measurements::new(database.measurements(), SystemClock.now()),
            metrics: Metrics::default(),
            log: LogLines::default(),
            traces: Traces::default(),
            networks: Networks { failures: 100, are_known: true },
            language: Locale::English,
            public_origin: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        });
        let world = Self { app, database, _dir: dir };
        let hash = cheap_hash(PASSWORD);
        world.add("ada", &hash, false).await;
        world.add("gone", &hash, true).await;
        world
    }

    async fn add(&self, name: &str, hash: &PasswordHash, is_disabled: bool) {
        let account = Account {
            subject: subject(name),
            login_name: LoginName::new(name).unwrap(),
            password_hash: hash.clone(),
            role: Role::Person,
            created_at: SystemClock.now(),
            password_changed_at: SystemClock.now(),
            disabled_at: None,
        };
        let accounts = self.database.accounts();
        let _ = accounts.create(account, Precedence::Any).await.unwrap();
        if is_disabled {
            let _ = accounts.disable(subject(name), SystemClock.now()).await.unwrap();
        }
    }

    async fn log_in(&self, name: &str, password: &str) -> u16 {
        let body = serde_json::json!({ "login_name": name, "password": password }).to_string();
        let request = Request::post("/api/v1/login").header(CONTENT_TYPE, "application/json").body(Body::from(body));
        crate::routes::router(self.app.clone()).oneshot(request.unwrap()).await.unwrap().status().as_u16()
    }

    async fn rows(&self) -> usize {
        let everything = ListQuery { limit: 500, ..ListQuery::default() };
        self.database.sessions().list(everything).await.unwrap().sessions.len()
    }
}

fn subject(name: &str) -> Subject {
    Subject::new(format!("subject of {name}")).unwrap()
}

fn cheap_hash(password: &str) -> PasswordHash {
    let hasher = Argon2idHasher::new(HashParameters::default(), Arc::new(SystemRandom));
    hasher.hash(&Password::new(password).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_costs_one_verification() {
    let inner = Argon2idHasher::new(HashParameters::default(), Arc::new(SystemRandom));
    let hasher = Arc::new(CountingHasher::new(inner));
    let world = World::with(Arc::clone(&hasher) as _).await;
    for (name, password) in
        [("nobody", PASSWORD), ("ada", "wrong wrong wrong wrong"), ("gone", PASSWORD), ("gone", "wrong wrong wrong")]
    {
        let before = hasher.counts();
        assert_eq!(world.log_in(name, password).await, 401);
        let after = hasher.counts();
        let verified = (after.verified + after.verified_nobody) - (before.verified + before.verified_nobody);
        assert_eq!((verified, after.hashed - before.hashed), (1, 0), "{name}");
    }
    let before = hasher.counts();
    assert_eq!(world.log_in("ada", PASSWORD).await, 200);
    assert_eq!(hasher.counts().total() - before.total(), 1);
    assert_eq!(world.rows().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_lesser_cost_is_stored_anew_at_the_login() {
    let raised = HashParameters::new(19_456, 3, 1).unwrap();
    let world = World::with(Arc::new(Argon2idHasher::new(raised, Arc::new(SystemRandom)))).await;
    assert_eq!(world.log_in("ada", PASSWORD).await, 200);
    let account = world.database.accounts().by_subject(subject("ada")).await.unwrap().unwrap();
    assert!(account.password_hash.as_str().contains("t=3"), "the new cost is in the hash");
    assert_eq!((world.log_in("ada", PASSWORD).await, world.rows().await), (200, 2), "and it ended nothing");
}

/// Says yes to every password, but only when told to.
#[derive(Debug, Default)]
struct Paused {
    state: Mutex<(bool, bool)>, // whether somebody waits, whether they may go on
    changed: Condvar,
}

impl Paused {
    fn until_somebody_waits(&self) {
        drop(self.changed.wait_while(self.state.lock().unwrap(), |state| !state.0).unwrap());
    }

    fn go_on(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

impl Hasher for Paused {
    fn hash(&self, _: &Password) -> Result<PasswordHash, HashError> {
        Ok(cheap_hash(PASSWORD))
    }
    fn verify(&self, _: &Password, _: &PasswordHash) -> Result<bool, HashError> {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.1).unwrap());
        Ok(true)
    }
    fn verify_nobody(&self, _: &Password) -> Result<(), HashError> {
        Ok(())
    }
    fn is_outdated(&self, _: &PasswordHash) -> bool {
        false
    }
}

/// Logs ada in, does `meanwhile` while the login is between the check and the insert; returns the login's status.
async fn paused_login<F: Future<Output = ()>>(meanwhile: impl FnOnce(Database) -> F) -> (u16, usize) {
    let hasher = Arc::new(Paused::default());
    let world = Arc::new(World::with(Arc::clone(&hasher) as _).await);
    let login = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.log_in("ada", PASSWORD).await }
    });
    let waiting = Arc::clone(&hasher);
    tokio::task::spawn_blocking(move || waiting.until_somebody_waits()).await.unwrap();
    meanwhile(world.database.clone()).await;
    hasher.go_on();
    (login.await.unwrap(), world.rows().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_begun_before_a_disabling_or_a_password_change_does_not_survive_it() {
    assert_eq!(paused_login(async |_| {}).await, (200, 1), "undisturbed it succeeds");
    let disabled = paused_login(async |database| {
        let _ = database.accounts().disable(subject("ada"), SystemClock.now()).await.unwrap();
    });
    assert_eq!(disabled.await, (401, 0));
    let and_enabled = paused_login(async |database| {
        let _ = database.accounts().disable(subject("ada"), SystemClock.now()).await.unwrap();
        let _ = database.accounts().enable(subject("ada")).await.unwrap();
    });
    assert_eq!(and_enabled.await, (401, 0));
    let changed = paused_login(async |database| {
        let new = cheap_hash("seven quiet lanterns drift east");
        let at = SystemClock.now();
        let change = PasswordChange { subject: subject("ada"), expected: None, new, keep: None, at };
        let _ = database.accounts().change_password(change).await.unwrap();
    });
    assert_eq!(changed.await, (401, 0));
    let removed = paused_login(async |database| {
        let _ = database.accounts().remove(subject("ada"), SystemClock.now()).await.unwrap();
    });
    assert_eq!(removed.await, (401, 0));
    let everybody = paused_login(async |database| {
        use cloakroom_core::store::Target;
        let sessions = database.sessions();
        sessions.end(Target::Everyone, cloakroom::EndReason::Everyone, SystemClock.now()).await.unwrap();
    });
    assert_eq!(everybody.await, (401, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_is_refused_as_busy_and_validation_goes_on() {
    let hasher = Arc::new(Paused::default());
    let world = Arc::new(World::with(Arc::clone(&hasher) as _).await);
    let capacity = 2 * (WAITING_PER_HASH + 1);
    let flood: Vec<_> = (0..capacity + 5)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.log_in("ada", PASSWORD).await })
        })
        .collect();
    let waiting = Arc::clone(&hasher);
    tokio::task::spawn_blocking(move || waiting.until_somebody_waits()).await.unwrap();
    let request = Request::get("/api/v1/session").body(Body::empty()).unwrap();
    let answer = crate::routes::router(world.app.clone()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 401, "validation answers meanwhile");
    // The flood's last ones are refused before any hash is done: only then may the others go on.
    let mut statuses = Vec::new();
    let mut pending = flood;
    while statuses.len() < 5 {
        let (status, _, rest) = futures_util::future::select_all(pending).await;
        statuses.push(status.unwrap());
        pending = rest;
    }
    assert_eq!(statuses, [503; 5]);
    hasher.go_on();
    for login in pending {
        assert_eq!(login.await.unwrap(), 200);
    }
}
