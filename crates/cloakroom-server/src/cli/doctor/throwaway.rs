//! Who logs in for the examination: an account that is made for it and removed again, or one that was given.

use std::fmt::Write as _;
use std::sync::Arc;

use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::ending::EndReason;
use cloakroom_core::event::EventKind;
use cloakroom_core::password::{Argon2idHasher, HashParameters, Hasher as _, Password};
use cloakroom_core::session::{SessionId, Subject};
use cloakroom_core::store::{Changed, Created, Precedence, Target};
use cloakroom_core::throttle::CounterKey;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::{Clock as _, Random as _};
use cloakroom_sql::Database;
use zeroize::Zeroizing;

use super::finding::{Check, Finding, say};
use crate::cli::event;
use crate::cli::voice::Voice;
use crate::events::Happened;

/// How the login names of accounts begin that are made for this.
pub(super) const PREFIX: &str = "cloakroom-doctor-";

/// Who logs in.
pub(super) struct Visit {
    pub(super) name: LoginName,
    pub(super) password: Zeroizing<String>,
    /// Of the account, where it was made for this.
    made: Option<Subject>,
}

impl Visit {
    /// With an account that exists.
    pub(super) const fn given(name: LoginName, password: Zeroizing<String>) -> Self {
        Self { name, password, made: None }
    }

    /// With an account that nobody else knows the password of. [`leave`](Self::leave) removes it.
    ///
    /// # Errors
    /// Why it could not be made, without a secret.
    pub(super) async fn with_new_account(database: &Database, voice: &Voice) -> Result<Self, String> {
        let now = SystemClock.now();
        let (name, password) = (random_text(6)?, Zeroizing::new(random_text(32)?));
        let name = LoginName::new(&format!("{PREFIX}{name}")).map_err(|error| error.to_string())?;
        // Unique as such an id is, and nothing else.
        let id = SessionId::new(now, &SystemRandom).map_err(|error| error.to_string())?;
        let subject = Subject::new(id.to_string()).map_err(|error| error.to_string())?;
        let hasher = Argon2idHasher::new(HashParameters::default(), Arc::new(SystemRandom));
        let typed = Password::new(&password).map_err(|error| error.to_string())?;
        let account = Account {
            subject: subject.clone(),
            login_name: name.clone(),
            password_hash: hasher.hash(&typed).map_err(|error| error.to_string())?,
            role: Role::Person,
            created_at: now,
            password_changed_at: now,
            disabled_at: None,
        };
        match database.accounts().create(account, Precedence::Any).await {
            Ok(Created::Created) => {}
            Ok(Created::Taken | Created::NotFirst) => return Err("the account exists already".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        event::record(Happened::new(EventKind::UserCreated).to(&subject).because("operator"), database, voice).await;
        Ok(Self { name, password, made: Some(subject) })
    }

    /// Ends the sessions of the visit and removes the account that was made for it.
    pub(super) async fn leave(self, database: &Database, sessions: &[TokenDigest], voice: &Voice) -> Finding {
        let now = SystemClock.now();
        let Some(subject) = self.made else {
            for digest in sessions {
                // One that is ended already is no failure, and one that cannot be ended now was given by its owner.
                let _ = database.sessions().end(Target::Token(*digest), EndReason::Administrator, now).await;
            }
            return Finding::skipped(Check::Cleanup, say("doctor-cleanup-given").with("name", &self.name));
        };
        let removed = database.accounts().remove(subject.clone(), now).await;
        // Whoever guesses such a name later is as good as new.
        let _ = database.accounts().forget_counter(CounterKey::of_login_name(&self.name)).await;
        let remains = database.accounts().by_login_name(self.name.clone()).await;
        match (removed, remains) {
            (Ok(Changed::Done { .. }), Ok(None)) => {
                event::record(Happened::new(EventKind::UserDeleted).to(&subject).because("operator"), database, voice)
                    .await;
                Finding::passed(Check::Cleanup, say("doctor-cleanup-done").with("name", &self.name))
            }
            (Ok(_), Ok(None)) => Finding::passed(Check::Cleanup, say("doctor-cleanup-done").with("name", &self.name)),
            (removed, _) => {
                let why = removed.err().map(|error| error.to_string()).unwrap_or_default();
                let found = say("doctor-cleanup-left").with("name", &self.name).with("why", why);
                Finding::failed(Check::Cleanup, found, say("doctor-cleanup-advice").with("name", &self.name))
            }
        }
    }
}

/// So many random bytes in hexadecimal, which needs no quoting.
fn random_text(bytes: usize) -> Result<String, String> {
    let mut random = Zeroizing::new(vec![0; bytes]);
    SystemRandom.fill(&mut random).map_err(|error| error.to_string())?;
    Ok(random.iter().fold(String::with_capacity(2 * bytes), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes every write
        text
    }))
}
