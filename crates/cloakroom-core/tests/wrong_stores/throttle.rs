//! Attempts, counted wrongly.

use std::time::Duration;

use cloakroom_core::store::{AccountStore as _, StoreError};
use cloakroom_core::throttle::{Admission, Claims, CounterKey, Settlement, Step};
use cloakroom_core::time::Timestamp;

use crate::Fault;
use crate::faulty::{Faulty, others_first};

impl Faulty {
    pub(crate) async fn wrong_count(&self, claims: Claims, step: Step, at: Timestamp) -> Result<Admission, StoreError> {
        match (self.fault, step) {
            (Fault::CountsInSeconds, _) => {
                let whole = Timestamp::from_millis(at.as_millis().div_euclid(1_000) * 1_000);
                self.inner.count(claims, step, whole).await
            }
            (Fault::CountsReadThenWrite, Step::Admit) => {
                // What is counted is what was there before the others went.
                let said = self.inner.count(claims.clone(), step, at).await?;
                if said == Admission::Admitted {
                    let _undone = self.inner.count(claims.clone(), Step::Settle(Settlement::Unchecked), at).await?;
                    others_first().await;
                    let _late = self.inner.count(claims, step, at).await?;
                }
                Ok(said)
            }
            (Fault::CountsSuccessesAsNothing, Step::Settle(Settlement::Succeeded)) => {
                self.inner.count(claims, Step::Settle(Settlement::Unchecked), at).await
            }
            (Fault::CountsWhatIsRefused, Step::Admit) => {
                let said = self.inner.count(claims.clone(), step, at).await?;
                if matches!(said, Admission::Refused(_)) {
                    for key in claims.keys() {
                        self.notes().counted.push(key);
                    }
                }
                Ok(said)
            }
            _ => self.inner.count(claims, step, at).await,
        }
    }

    pub(crate) async fn wrong_locked(&self, limit: u32) -> Result<Vec<CounterKey>, StoreError> {
        match self.fault {
            Fault::LockedNamesNobody => Ok(Vec::new()),
            Fault::LockedIgnoresTheLimit => self.inner.locked(u32::MAX).await,
            _ => self.inner.locked(limit).await,
        }
    }

    pub(crate) async fn wrong_forget_counter(&self, key: CounterKey) -> Result<bool, StoreError> {
        let was_there = self.inner.forget_counter(key).await?;
        let was_counted = self.notes().counted.contains(&key);
        Ok(was_there || was_counted || self.fault == Fault::ForgettingAlwaysSaysYes)
    }

    pub(crate) async fn wrong_purge_counters(&self, at: Timestamp, max: u32, chunk: u32) -> Result<u64, StoreError> {
        match self.fault {
            Fault::CounterPurgeIsTooEarly => {
                self.inner.purge_counters(at.plus(Duration::from_secs(1)), max, chunk).await
            }
            Fault::CounterPurgeTakesTheLocked => {
                let purged = self.inner.purge_counters(at, max, chunk).await?;
                for key in self.inner.locked(chunk).await? {
                    let _there = self.inner.forget_counter(key).await?;
                }
                Ok(purged)
            }
            Fault::CounterPurgeKnowsNoMost => self.inner.purge_counters(at, u32::MAX, chunk).await,
            Fault::CounterPurgeIgnoresTheChunk => self.inner.purge_counters(at, max, u32::MAX).await,
            _ => self.inner.purge_counters(at, max, chunk).await,
        }
    }
}
