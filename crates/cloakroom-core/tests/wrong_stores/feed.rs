//! The feed, followed wrongly.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_core::coherence::{Change, Delta, FeedReply, Horizon, Loss};
use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{FeedReader, SessionStore as _, StoreError, StoreFuture};

use crate::Fault;
use crate::faulty::{Faulty, LONG_AGO, Notes};

/// A reader with the fault of its store.
#[derive(Debug)]
pub(crate) struct WrongReader {
    inner: Box<dyn FeedReader>,
    fault: Fault,
    notes: Arc<Mutex<Notes>>,
}

impl WrongReader {
    pub(crate) fn of(store: &Faulty, answer_max: Duration) -> Self {
        Self { inner: store.inner.feed(answer_max), fault: store.fault, notes: store.shared_notes() }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wrong_poll(&mut self, since: Option<&Horizon>) -> Result<FeedReply, StoreError> {
        let moved = |by: i64| match since {
            Some(Horizon::Position(position)) => Some(Horizon::Position((position + by).max(0))),
            other => other.cloned(),
        };
        let since = match self.fault {
            Fault::FeedNamesThePast if since.is_none() => Some(Horizon::Position(0)),
            Fault::FeedSkipsOne => moved(1),
            Fault::FeedRepeatsOne => moved(-1),
            Fault::FeedHasOnePlace if since.is_some() => self.notes().place.clone(),
            _ => since.cloned(),
        };
        let mut reply = self.inner.poll(since.as_ref()).await?;
        self.notes().place = Some(reply.horizon.clone());
        match &mut reply.delta {
            Delta::Changes(changes) => {
                changes.retain(|change| !self.forgets(change));
                for change in changes.iter_mut() {
                    self.spoil(change);
                }
                if self.fault == Fault::FeedNamesTheLiving && since.is_some() {
                    let living =
                        self.notes().issued.iter().map(|(digest, record)| (*digest, record.id)).collect::<Vec<_>>();
                    changes.extend(living.into_iter().map(|(digest, session)| Change::Changed { digest, session }));
                }
                if self.fault == Fault::FeedIsLostByAnyPurge && self.notes().has_purged {
                    reply.delta = Delta::Lost(Loss::Purged);
                }
            }
            Delta::Lost(_) if self.fault == Fault::FeedIgnoresPurges => reply.delta = Delta::Changes(Vec::new()),
            Delta::Lost(_) => {}
        }
        Ok(reply)
    }

    fn forgets(&self, change: &Change) -> bool {
        use EndReason as R;
        match (self.fault, change) {
            (Fault::FeedForgetsChanges, Change::Changed { .. }) | (Fault::FeedForgetsEndings, Change::Ended { .. }) => {
                true
            }
            (Fault::FeedForgetsLogins, Change::Ended { reason, .. }) => matches!(reason, R::NewLogin | R::OverCap),
            (Fault::FeedForgetsAccounts, Change::Ended { reason, .. }) => {
                matches!(reason, R::PasswordChanged | R::AccountDisabled | R::AccountRemoved)
            }
            (Fault::FeedForgetsExpiry, Change::Ended { reason, .. }) => reason.is_expiry(),
            _ => false,
        }
    }

    fn spoil(&self, change: &mut Change) {
        if let Change::Ended { reason, at, .. } = change {
            match self.fault {
                Fault::FeedLosesTheReason => *reason = EndReason::ByHand,
                Fault::FeedLosesTheTime => *at = LONG_AGO,
                _ => {}
            }
        }
    }
}

impl FeedReader for WrongReader {
    fn poll<'a>(&'a mut self, since: Option<&'a Horizon>) -> StoreFuture<'a, FeedReply> {
        Box::pin(self.wrong_poll(since))
    }

    fn hinted(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.inner.hinted()
    }
}
