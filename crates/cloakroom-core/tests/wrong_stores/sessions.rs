//! Sessions, kept wrongly.

use std::time::Duration;

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{
    CountedPage, EndedPage, FeedReader, Issue, Issued, ListQuery, Moment, PAGE_MAX, Purge, Purged, Replace, Scrub,
    Scrubbed, SessionFilter, SessionPage, SessionStore, StoreError, StoreErrorKind, StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;

use crate::Fault;
use crate::faulty::{Faulty, LONG_AGO, others_first};
use crate::feed::WrongReader;

impl Faulty {
    async fn wrong_issue(&self, mut issue: Issue) -> Result<Issued, StoreError> {
        let Moment::Position(began) = issue.moment else {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        };
        let (subject, cap) = (issue.session.subject.clone(), issue.max_per_subject as usize);
        self.notes().issued.insert(issue.digest, issue.session.clone());
        match self.fault {
            Fault::MomentIsNotCompared => issue.moment = self.inner.begin().await?,
            Fault::AnyWideEndOvertakesAll | Fault::EndingOneOvertakesAll
                if began < self.notes().all_overtaken_before =>
            {
                return Ok(Issued::Overtaken);
            }
            Fault::MomentIsComparedTooEarly => {
                if began < self.notes().all_overtaken_before {
                    return Ok(Issued::Overtaken);
                }
                others_first().await;
                issue.moment = self.inner.begin().await?;
            }
            Fault::OvertakenLoginSupersedes => {
                for digest in &issue.supersedes {
                    self.inner.end(Target::Token(*digest), EndReason::NewLogin, issue.session.created_at).await?;
                }
            }
            Fault::CapIsOneTooMany => issue.max_per_subject += 1,
            Fault::CapCountsExpired => self.make_room(self.rows(Some(subject)).await?, cap, &issue.session).await?,
            Fault::CapIsOfEverybody => self.make_room(self.rows(None).await?, cap, &issue.session).await?,
            Fault::LeastUsedGoes => {
                let mut rows = self.rows(Some(subject)).await?;
                rows.sort_by_key(|record| std::cmp::Reverse(record.last_seen_at));
                self.make_room(rows, cap, &issue.session).await?;
            }
            Fault::CapIsCheckedTooEarly => {
                let is_room = self.rows(Some(subject)).await?.len() < cap;
                others_first().await;
                if is_room {
                    issue.max_per_subject = u32::MAX;
                }
            }
            Fault::SupersedesIsIgnored => issue.supersedes.clear(),
            Fault::SupersedesOwnOnly => {
                let issued = self.notes().issued.clone();
                issue.supersedes.retain(|it| issued.get(it).is_some_and(|old| old.subject == subject));
            }
            Fault::IssueOverwrites => {
                self.inner.end(Target::Token(issue.digest), EndReason::ByHand, issue.session.created_at).await?;
            }
            Fault::SubjectsFoldCase => issue.session.subject = folded(&subject),
            Fault::MillisecondsAreLost => {
                let seconds = issue.session.created_at.as_millis() / 1_000;
                issue.session.created_at = Timestamp::from_millis(seconds * 1_000);
            }
            Fault::NoIdleTimeoutBecomesZero => {
                issue.session.idle_timeout.get_or_insert(Duration::ZERO);
            }
            _ => (),
        }
        let is_forgiven = self.notes().all_forgiven || self.notes().forgiven.contains(&issue.session.subject);
        if is_forgiven {
            issue.moment = self.inner.begin().await?;
        }
        self.inner.issue(issue).await
    }

    /// Ends the last of `rows` until another session fits.
    async fn make_room(&self, mut rows: Vec<SessionRecord>, cap: usize, new: &SessionRecord) -> Result<(), StoreError> {
        while rows.len() >= cap {
            let Some(last) = rows.pop() else { break };
            self.inner.end(Target::Session(last.id), EndReason::OverCap, new.created_at).await?;
        }
        Ok(())
    }

    async fn wrong_find(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, StoreError> {
        if let Some(ghost) = self.notes().ghosts.get(&digest) {
            return Ok(Some(ghost.clone()));
        }
        self.inner.find(digest).await
    }

    async fn wrong_touch(&self, touches: Vec<Touch>, now: Timestamp) -> Result<Vec<TokenDigest>, StoreError> {
        match self.fault {
            Fault::TouchUpserts | Fault::TouchReadsThenWrites => {
                if self.fault == Fault::TouchReadsThenWrites {
                    let mut found = Vec::new();
                    for touch in &touches {
                        found.push((touch.digest, self.inner.find(touch.digest).await?));
                    }
                    others_first().await;
                    for (digest, record) in found {
                        if let (Some(record), None) = (record, self.inner.find(digest).await?) {
                            // Refused where the row is still there under another token.
                            let _refused = self.revive(digest, record).await;
                        }
                    }
                    return self.inner.touch(touches, now).await;
                }
                let refused = self.inner.touch(touches, now).await?;
                for digest in &refused {
                    let known = self.notes().issued.get(digest).cloned();
                    if let (Some(record), None) = (known, self.inner.find(*digest).await?) {
                        self.revive(*digest, record).await?;
                    }
                }
                Ok(refused)
            }
            Fault::TouchIgnoresExpiry => self.inner.touch(touches, LONG_AGO).await,
            Fault::TouchMovesBack => {
                let refused = self.inner.touch(touches.clone(), now).await?;
                for touch in touches {
                    if let Some(record) = self.inner.find(touch.digest).await? {
                        let moved = SessionRecord { last_seen_at: touch.used_at, ..record };
                        self.notes().ghosts.insert(touch.digest, moved);
                    }
                }
                Ok(refused)
            }
            Fault::TouchNamesNobody => self.inner.touch(touches, now).await.map(|_| Vec::new()),
            Fault::TouchStopsAtTheFirstGone => {
                for touch in touches {
                    let refused = self.inner.touch(vec![touch], now).await?;
                    if !refused.is_empty() {
                        return Ok(refused);
                    }
                }
                Ok(Vec::new())
            }
            Fault::TouchNotesTheWrongTime => {
                let touches = touches.into_iter().map(|touch| Touch { used_at: now, ..touch }).collect();
                self.inner.touch(touches, now).await
            }
            _ => self.inner.touch(touches, now).await,
        }
    }

    async fn wrong_replace(&self, mut replace: Replace) -> Result<bool, StoreError> {
        let before = self.inner.find(replace.old).await?;
        match self.fault {
            Fault::ReplaceIgnoresExpiry => replace.now = LONG_AGO,
            Fault::ReplaceIgnoresTheProof => replace.reauthenticated_until = None,
            Fault::ReplaceReadsThenWrites => {
                others_first().await;
                if let Some(record) = before.clone() {
                    self.inner.end(Target::Token(replace.old), EndReason::ByHand, replace.now).await?;
                    self.notes().ghosts.insert(replace.new, record);
                    return Ok(true);
                }
            }
            _ => (),
        }
        let is_done = self.inner.replace(replace).await?;
        let known = self.notes().issued.get(&replace.old).cloned();
        match (self.fault, known, before) {
            (Fault::ReplaceRevives, Some(record), _) if !is_done => {
                self.revive(replace.new, record).await?;
                return Ok(true);
            }
            (Fault::ReplaceLeavesTheOld, _, Some(record)) if is_done => {
                self.notes().ghosts.insert(replace.old, record);
            }
            _ => (),
        }
        Ok(is_done)
    }

    async fn wrong_end(&self, mut target: Target, mut reason: EndReason, at: Timestamp) -> Result<u64, StoreError> {
        let is_wide = matches!(target, Target::Subject(_) | Target::Others(..) | Target::Everyone);
        match (self.fault, target.clone()) {
            (Fault::EndForgetsToDelete, Target::Token(digest)) => {
                return Ok(u64::from(self.inner.find(digest).await?.is_some()));
            }
            (Fault::EndLeavesTheCache, Target::Session(id)) => {
                let cached = self.notes().issued.clone().into_iter().find(|(_, record)| record.id == id);
                self.notes().ghosts.extend(cached);
            }
            (Fault::OthersOvertakesNobody, Target::Others(subject, keep)) => {
                let kept = self.inner.find(keep).await?.map(|record| record.id);
                let mut ended = 0;
                for record in self.rows(Some(subject)).await? {
                    if Some(record.id) != kept {
                        ended += self.inner.end(Target::Session(record.id), reason, at).await?;
                    }
                }
                return Ok(ended);
            }
            (Fault::OthersEndsAll, Target::Others(subject, _)) => target = Target::Subject(subject),
            (Fault::UnseenSubjectIsSkipped, Target::Subject(subject))
                if self.rows(Some(subject.clone())).await?.is_empty() =>
            {
                return Ok(0);
            }
            (Fault::EveryoneOvertakesNobody, Target::Everyone) => self.notes().all_forgiven = true,
            (Fault::OwnEndHidesEveryones, Target::Subject(subject)) => {
                let mut notes = self.notes();
                notes.forgiven.clear();
                notes.ended.push(subject);
            }
            (Fault::OwnEndHidesEveryones, Target::Everyone) => {
                let mut notes = self.notes();
                notes.forgiven = std::mem::take(&mut notes.ended);
            }
            (Fault::OwnSessionIsAnybodys, Target::OwnSession(id, _)) => target = Target::Session(id),
            (Fault::ReasonIsLost, _) => reason = EndReason::ByHand,
            (Fault::SubjectsFoldCase, Target::Subject(subject)) => target = Target::Subject(folded(&subject)),
            (Fault::EndCountsThenDeletes, Target::Token(digest)) => {
                let count = u64::from(self.inner.find(digest).await?.is_some());
                others_first().await;
                return self.inner.end(target, reason, at).await.map(|_| count);
            }
            _ => (),
        }
        let ended = self.inner.end(target, reason, at).await?;
        let overtakes = match self.fault {
            Fault::AnyWideEndOvertakesAll | Fault::MomentIsComparedTooEarly => is_wide,
            Fault::EndingOneOvertakesAll => true,
            _ => false,
        };
        if overtakes {
            self.notes().all_overtaken_before = self.position().await?;
        }
        Ok(if self.fault == Fault::EndCountsOne { ended.min(1) } else { ended })
    }

    async fn wrong_list(&self, mut query: ListQuery) -> Result<SessionPage, StoreError> {
        match self.fault {
            Fault::ListIsOldestFirst => {
                return self.inner.list(query).await.map(|mut page| {
                    page.sessions.reverse();
                    page
                });
            }
            Fault::ListIgnoresTheLimit => query.limit = PAGE_MAX,
            Fault::ListIgnoresTheSubject => query.filter.subject = None,
            Fault::ListRepeatsTheLast => query.before = query.before.map(|before| before.successor()),
            Fault::ListIsUnbounded if query.limit > PAGE_MAX => {
                let mut page = self.inner.list(query.clone()).await?;
                query.before = page.next;
                page.sessions.extend(self.inner.list(query).await?.sessions);
                return Ok(page);
            }
            Fault::SubjectsFoldCase => query.filter.subject = query.filter.subject.as_ref().map(folded),
            _ => self.blind(&mut query.filter),
        }
        let page = self.inner.list(query).await?;
        Ok(match self.fault {
            Fault::ListLosesTheNext => SessionPage { next: None, ..page },
            Fault::ListAlwaysHasANext => SessionPage { next: page.sessions.last().map(|last| last.id), ..page },
            _ => page,
        })
    }

    async fn wrong_endings(&self, subject: Subject, limit: u32) -> Result<Vec<Ending>, StoreError> {
        let mut endings = self.inner.endings(subject, limit).await?;
        match self.fault {
            Fault::EndingsAreOldestFirst => endings.reverse(),
            Fault::EndingsAreForgotten => endings.clear(),
            _ => (),
        }
        Ok(endings)
    }

    async fn wrong_purge(&self, mut purge: Purge) -> Result<Purged, StoreError> {
        let instant = Duration::from_millis(1);
        match self.fault {
            Fault::PurgeTakesTheLiving => purge.ended_before = purge.ended_before.plus(Duration::from_mins(10)),
            Fault::PurgeIsTooEarly => purge.ended_before = purge.ended_before.plus(instant),
            Fault::PurgeIsTooLate => purge.ended_before = purge.ended_before.minus(instant),
            Fault::PurgeIgnoresTheChunk => purge.chunk = u32::MAX,
            Fault::PurgeForgetsTooEarly => purge.feed_before = purge.feed_before.plus(instant),
            Fault::PurgeRecordsNothing => {
                let purged = self.inner.purge(purge).await?;
                let forget = Purge { ended_before: LONG_AGO, feed_before: purge.at.plus(instant), ..purge };
                return self.inner.purge(forget).await.map(|_| purged);
            }
            Fault::PurgeResetsTheFeed => self.notes().all_forgiven = true,
            Fault::FeedIsLostByAnyPurge => self.notes().has_purged = true,
            _ => (),
        }
        let purged = self.inner.purge(purge).await?;
        Ok(if self.fault == Fault::PurgeSaysNoMore { Purged { more: false, ..purged } } else { purged })
    }
}

impl Faulty {
    async fn wrong_scrub(&self, mut scrub: Scrub) -> Result<Scrubbed, StoreError> {
        match self.fault {
            Fault::ScrubForgetsNothing => scrub.created_before = LONG_AGO,
            Fault::ScrubIsTooEarly => scrub.created_before = scrub.created_before.plus(Duration::from_millis(1)),
            Fault::ScrubIsAnEnding => {
                for record in self.rows(None).await? {
                    self.inner.end(Target::Session(record.id), EndReason::Administrator, record.created_at).await?;
                }
            }
            _ => (),
        }
        let scrubbed = self.inner.scrub(scrub).await?;
        Ok(if self.fault == Fault::ScrubStopsAfterAChunk { Scrubbed { next: None, ..scrubbed } } else { scrubbed })
    }
}

fn folded(subject: &Subject) -> Subject {
    Subject::new(subject.as_str().to_ascii_lowercase()).unwrap_or_else(|_| subject.clone())
}

impl SessionStore for Faulty {
    fn begin(&self) -> StoreFuture<'_, Moment> {
        self.inner.begin()
    }

    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        Box::pin(self.wrong_issue(issue))
    }

    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        Box::pin(self.wrong_find(digest))
    }

    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        self.inner.ending_of(digest)
    }

    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        Box::pin(self.wrong_touch(touches, now))
    }

    fn replace(&self, replace: Replace) -> StoreFuture<'_, bool> {
        Box::pin(self.wrong_replace(replace))
    }

    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(self.wrong_end(target, reason, at))
    }

    fn list(&self, query: ListQuery) -> StoreFuture<'_, SessionPage> {
        Box::pin(self.wrong_list(query))
    }

    fn count_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> StoreFuture<'_, CountedPage> {
        Box::pin(self.wrong_count_matching(filter, before, at))
    }

    fn end_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        chunk: u32,
        reason: EndReason,
        at: Timestamp,
    ) -> StoreFuture<'_, EndedPage> {
        Box::pin(self.wrong_end_matching(ListQuery { filter, before, limit: chunk }, reason, at))
    }

    fn endings(&self, subject: Subject, limit: u32) -> StoreFuture<'_, Vec<Ending>> {
        Box::pin(self.wrong_endings(subject, limit))
    }

    fn feed(&self, answer_max: Duration) -> Box<dyn FeedReader> {
        Box::new(WrongReader::of(self, answer_max))
    }

    fn hint(&self) -> StoreFuture<'_, ()> {
        self.inner.hint()
    }

    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        Box::pin(self.wrong_purge(purge))
    }

    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed> {
        Box::pin(self.wrong_scrub(scrub))
    }
}
