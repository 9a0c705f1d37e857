//! What happened, recorded wrongly.

use std::time::Duration;

use cloakroom_core::event::{EventId, SecurityEvent};
use cloakroom_core::session::ClientFacts;
use cloakroom_core::store::{AccountStore as _, EventQuery, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_core::world::PredictableRandom;

use crate::Fault;
use crate::faulty::Faulty;

impl Faulty {
    pub(crate) async fn wrong_record(&self, mut events: Vec<SecurityEvent>) -> Result<(), StoreError> {
        match self.fault {
            Fault::EventsLoseTheClient => events.iter_mut().for_each(|event| event.client = ClientFacts::default()),
            Fault::EventsLoseTheRequest => events.iter_mut().for_each(|event| event.request = None),
            Fault::EventsAreRecordedTwice => {
                for event in &mut events {
                    let known = self.inner.events(EventQuery { subject: None, before: None, limit: 500 }).await?;
                    if known.iter().any(|known| known.id == event.id)
                        && let Ok(id) = EventId::new(event.at, &PredictableRandom::from_seed(99))
                    {
                        event.id = id;
                    }
                }
            }
            _ => (),
        }
        self.inner.record(events).await
    }

    pub(crate) async fn wrong_events(&self, mut query: EventQuery) -> Result<Vec<SecurityEvent>, StoreError> {
        match self.fault {
            Fault::EventsIgnoreTheSubject => query.subject = None,
            Fault::EventsRepeatTheLast => {
                query.before = query.before.map(|id| EventId::from_uuid(uuid_after(id)));
            }
            Fault::EventsAreOldestFirst => {
                let mut events = self.inner.events(query).await?;
                events.reverse();
                return Ok(events);
            }
            _ => (),
        }
        self.inner.events(query).await
    }

    pub(crate) async fn wrong_purge_events(&self, before: EventId, max: u32, chunk: u32) -> Result<u64, StoreError> {
        match self.fault {
            Fault::EventPurgeKnowsNoMost => self.inner.purge_events(before, u32::MAX, chunk).await,
            Fault::EventPurgeIgnoresTheChunk => self.inner.purge_events(before, max, u32::MAX).await,
            Fault::EventPurgeIsTooEarly => {
                let later = Timestamp::from_millis(1_790_000_000_123).plus(Duration::from_millis(3));
                self.inner.purge_events(before.max(EventId::first_of(later)), max, chunk).await
            }
            _ => self.inner.purge_events(before, max, chunk).await,
        }
    }
}

fn uuid_after(id: EventId) -> uuid::Uuid {
    uuid::Uuid::from_u128(id.as_uuid().as_u128().saturating_add(1))
}
