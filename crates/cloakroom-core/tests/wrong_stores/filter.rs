//! Filters, taken wrongly.

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionId;
use cloakroom_core::store::{
    CountedPage, EndedPage, ListQuery, PAGE_MAX, SessionFilter, SessionStore as _, StoreError, Target,
};
use cloakroom_core::time::Timestamp;

use crate::Fault;
use crate::faulty::{Faulty, LONG_AGO, others_first};

impl Faulty {
    /// Takes a field out of a filter.
    pub(crate) fn blind(&self, filter: &mut SessionFilter) {
        match self.fault {
            Fault::FilterIgnoresTheNetwork => filter.network = None,
            Fault::FilterIgnoresTheTime => filter.created_before = None,
            Fault::FilterIgnoresTheMethod => filter.auth_method = None,
            Fault::FilterIgnoresTheBrowser => filter.browser = None,
            // As if the letters of the user agent were compared as they are: all of them have some in upper case.
            Fault::FilterFoldsNoCase
                if filter.browser.as_ref().is_some_and(|piece| piece.as_str().contains("fire")) =>
            {
                filter.created_before = Some(LONG_AGO);
            }
            Fault::FilterForgetsTheRest if filter.network.is_some() => filter.browser = None,
            _ => (),
        }
    }

    pub(crate) async fn wrong_count_matching(
        &self,
        mut filter: SessionFilter,
        mut before: Option<SessionId>,
        mut at: Timestamp,
    ) -> Result<CountedPage, StoreError> {
        match self.fault {
            Fault::CountTakesTheExpired => at = LONG_AGO,
            Fault::CountIgnoresTheCursor => before = None,
            _ => self.blind(&mut filter),
        }
        self.inner.count_matching(filter, before, at).await
    }

    pub(crate) async fn wrong_end_matching(
        &self,
        mut query: ListQuery,
        mut reason: EndReason,
        at: Timestamp,
    ) -> Result<EndedPage, StoreError> {
        let mut counted_at = at;
        match self.fault {
            Fault::FilteredEndCountsTheExpired => counted_at = LONG_AGO,
            Fault::FilteredEndIgnoresTheChunk => query.limit = PAGE_MAX,
            Fault::FilteredEndLosesTheReason => reason = EndReason::ByHand,
            Fault::FilteredEndOvertakesLogins => {
                if let Some(subject) = query.filter.subject.clone() {
                    let ended = self.inner.end(Target::Subject(subject), reason, at).await?;
                    return Ok(EndedPage { ended, next: None });
                }
            }
            Fault::FilteredEndSparesTheExpired
            | Fault::FilteredEndFindsThenEnds
            | Fault::FilteredEndFindsThenCounts => {
                return self.find_then_end(query, reason, at).await;
            }
            _ => self.blind(&mut query.filter),
        }
        let ListQuery { filter, before, limit } = query;
        // The store in memory takes the time of the count from the same argument as the one it records.
        let living = if counted_at == at {
            None
        } else {
            Some(self.inner.count_matching(filter.clone(), before, counted_at).await?.living)
        };
        let page = self.inner.end_matching(filter, before, limit, reason, at).await?;
        let page = EndedPage { ended: living.unwrap_or(page.ended), ..page };
        Ok(match self.fault {
            Fault::FilteredEndLosesTheNext => EndedPage { next: None, ..page },
            Fault::FilteredEndStopsAtAPage if page.ended < u64::from(limit) => EndedPage { next: None, ..page },
            _ => page,
        })
    }

    async fn find_then_end(&self, query: ListQuery, reason: EndReason, at: Timestamp) -> Result<EndedPage, StoreError> {
        let found = self.inner.list(query).await?;
        let is_sparing = self.fault == Fault::FilteredEndSparesTheExpired;
        let mut ended = 0;
        for session in found.sessions.iter().filter(|session| !is_sparing || session.is_living(at)) {
            if !is_sparing {
                others_first().await;
            }
            let done = self.inner.end(Target::Session(session.id), reason, at).await?;
            ended += if self.fault == Fault::FilteredEndFindsThenCounts { 1 } else { done };
        }
        Ok(EndedPage { ended, next: found.next })
    }
}
