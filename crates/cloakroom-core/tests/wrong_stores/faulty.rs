//! The store in memory with one fault put in front of it. The faults of each operation are in `sessions` and `accounts`.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use cloakroom_core::coherence::Horizon;
use cloakroom_core::service_token::ServiceTokenRecord;
use cloakroom_core::session::{SessionRecord, Subject};
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::store::{Issue, ListQuery, Moment, PAGE_MAX, SessionFilter, SessionStore as _, StoreError};
use cloakroom_core::throttle::CounterKey;
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;

use crate::Fault;

/// Long before anything in the contract: nothing has expired then.
pub(crate) const LONG_AGO: Timestamp = Timestamp::from_millis(-1_000_000_000_000);

/// A store with a fault.
#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    pub(crate) fault: Fault,
    notes: Arc<Mutex<Notes>>,
}

/// What a fault remembers to be wrong with.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Every session there ever was.
    pub(crate) issued: HashMap<TokenDigest, SessionRecord>,
    /// What `find` answers in place of the truth.
    pub(crate) ghosts: HashMap<TokenDigest, SessionRecord>,
    /// Subjects whose moments are not compared.
    pub(crate) forgiven: Vec<Subject>,
    /// Subjects that were ended at some time.
    pub(crate) ended: Vec<Subject>,
    /// Keys under which something refused was counted.
    pub(crate) counted: Vec<CounterKey>,
    /// The service token that was removed last.
    pub(crate) removed: Option<ServiceTokenRecord>,
    pub(crate) all_forgiven: bool,
    /// Logins that began before this position are overtaken, whoever's they are.
    pub(crate) all_overtaken_before: i64,
    /// Whether anything was ever purged from the feed.
    pub(crate) has_purged: bool,
    /// The one place that all who follow share.
    pub(crate) place: Option<Horizon>,
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { inner: MemoryStore::new(), fault, notes: Arc::default() }
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shared_notes(&self) -> Arc<Mutex<Notes>> {
        Arc::clone(&self.notes)
    }

    /// The position now.
    pub(crate) async fn position(&self) -> Result<i64, StoreError> {
        match self.inner.begin().await? {
            Moment::Position(position) => Ok(position),
            other => Err(StoreError::caused(
                cloakroom_core::store::StoreErrorKind::Unavailable,
                format!("the store in memory has positions, not {other:?}"),
            )),
        }
    }

    /// All sessions of a subject or of all, newest first.
    pub(crate) async fn rows(&self, subject: Option<Subject>) -> Result<Vec<SessionRecord>, StoreError> {
        let filter = SessionFilter { subject, ..SessionFilter::default() };
        let page = self.inner.list(ListQuery { filter, before: None, limit: PAGE_MAX }).await?;
        Ok(page.sessions)
    }

    /// Issues a session that should not be.
    pub(crate) async fn revive(&self, digest: TokenDigest, session: SessionRecord) -> Result<(), StoreError> {
        let moment = self.inner.begin().await?;
        let issue = Issue { moment, digest, session, supersedes: Vec::new(), max_per_subject: u32::MAX };
        self.inner.issue(issue).await.map(|_| ())
    }

    /// Issues every session of a subject again that ever was.
    pub(crate) async fn revive_all(&self, subject: &Subject) {
        let issued = self.notes().issued.clone();
        for (digest, record) in issued {
            if record.subject == *subject {
                // What lives cannot be revived: a conflict, and no matter.
                let _conflict = self.revive(digest, record).await;
            }
        }
    }
}

/// Lets others go first, once.
pub(crate) async fn others_first() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
