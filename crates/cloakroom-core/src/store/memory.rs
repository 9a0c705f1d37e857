//! A store in memory, for tests and for applications whose sessions may end with the process.
//!
//! One lock makes every operation a transaction. It passes the same contract as the databases.

mod accounts;
mod event;
mod feed;
mod measurement;
mod service_token;
mod throttle;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::feed::Entry;
use super::{
    CountedPage, EndedPage, FeedReader, Issue, Issued, LOOKED_AT_MAX, ListQuery, Moment, PAGE_MAX, Purge, Purged,
    Replace, Scrub, Scrubbed, SessionFilter, SessionPage, SessionStore, StoreError, StoreErrorKind, StoreFuture,
    Target, Touch,
};
use crate::account::{Account, LoginName};
use crate::ending::{EndReason, Ending};
use crate::event::{EventId, SecurityEvent};
use crate::measurement::{Measure, Resolution};
use crate::service_token::{ServiceTokenName, ServiceTokenRecord};
use crate::session::{ClientFacts, SessionId, SessionRecord, Subject};
use crate::throttle::{Counter, CounterKey};
use crate::time::Timestamp;
use crate::token::TokenDigest;

/// Keeps sessions and accounts in memory. Clones of an `Arc` share them; nothing outlives the process.
#[derive(Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The last position given out; never goes back.
    position: i64,
    sessions: HashMap<TokenDigest, SessionRecord>,
    /// When everything of a subject was last ended.
    all_ended_at: HashMap<Subject, i64>,
    /// When everybody's sessions were last ended.
    everyone_ended_at: Option<i64>,
    feed: VecDeque<Entry>,
    /// The last position that was purged from the feed.
    purged_to: i64,
    accounts: BTreeMap<LoginName, Account>,
    counters: HashMap<CounterKey, Counter>,
    events: BTreeMap<EventId, SecurityEvent>,
    service_tokens: BTreeMap<ServiceTokenName, ServiceTokenRecord>,
    measurements: BTreeMap<(Resolution, Timestamp, Measure), u64>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every operation leaves the state whole before it can panic, so a poisoned lock is still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl State {
    fn next_position(&mut self) -> i64 {
        self.position += 1;
        self.position
    }

    /// Deletes the sessions `matches` names and records why.
    fn end_where(
        &mut self,
        reason: EndReason,
        at: Timestamp,
        mut matches: impl FnMut(&TokenDigest, &SessionRecord) -> bool,
    ) -> u64 {
        let mut ended: Vec<_> = self.sessions.extract_if(|digest, record| matches(digest, record)).collect();
        ended.sort_by_key(|(_, record)| record.id);
        let count = ended.len() as u64;
        for (digest, record) in ended {
            let ending = Ending { session: record.id, subject: record.subject, reason, at };
            self.append(Entry { position: 0, digest, session: record.id, at, ending: Some(ending) });
        }
        count
    }

    /// Ends all of a subject but `keep`, logins under way included.
    fn end_subject(&mut self, subject: &Subject, keep: Option<TokenDigest>, reason: EndReason, at: Timestamp) -> u64 {
        let position = self.next_position();
        self.all_ended_at.insert(subject.clone(), position);
        self.end_where(reason, at, |digest, record| record.subject == *subject && Some(*digest) != keep)
    }

    fn is_overtaken(&self, subject: &Subject, moment: i64) -> bool {
        let ended = self.all_ended_at.get(subject).copied().max(self.everyone_ended_at);
        ended.is_some_and(|ended| ended > moment)
    }

    fn issue(&mut self, issue: Issue) -> Result<Issued, StoreError> {
        let Issue { moment, digest, session, supersedes, max_per_subject } = issue;
        let Moment::Position(moment) = moment else {
            return Err(StoreError::caused(StoreErrorKind::Conflict, "the login began on another kind of database"));
        };
        if self.is_overtaken(&session.subject, moment) {
            return Ok(Issued::Overtaken);
        }
        let taken = self.sessions.contains_key(&digest) || self.sessions.values().any(|record| record.id == session.id);
        if taken {
            return Err(StoreError::new(StoreErrorKind::Conflict));
        }
        let now = session.created_at;
        self.end_where(EndReason::NewLogin, now, |digest, _| supersedes.contains(digest));
        let mut living: Vec<_> = self
            .sessions
            .values()
            .filter(|record| record.subject == session.subject && record.is_living(now))
            .map(|record| (record.created_at, record.id))
            .collect();
        living.sort_unstable();
        let excess = (living.len() + 1).saturating_sub(max_per_subject.max(1) as usize);
        let oldest = &living[..excess.min(living.len())];
        let over_cap = self.end_where(EndReason::OverCap, now, |_, r| oldest.contains(&(r.created_at, r.id)));
        self.sessions.insert(digest, session);
        Ok(Issued::Created { over_cap: u32::try_from(over_cap).unwrap_or(u32::MAX) })
    }

    fn touch(&mut self, touches: &[Touch], now: Timestamp) -> Vec<TokenDigest> {
        let mut refused = Vec::new();
        for touch in touches {
            match self.sessions.get_mut(&touch.digest) {
                Some(record) if record.is_living(now) => {
                    record.last_seen_at = record.last_seen_at.max(touch.used_at);
                }
                _ => refused.push(touch.digest),
            }
        }
        refused
    }

    fn replace(&mut self, replace: &Replace) -> Result<bool, StoreError> {
        if !self.sessions.get(&replace.old).is_some_and(|record| record.is_living(replace.now)) {
            return Ok(false);
        }
        if self.sessions.contains_key(&replace.new) {
            return Err(StoreError::new(StoreErrorKind::Conflict));
        }
        let Some(mut record) = self.sessions.remove(&replace.old) else {
            return Ok(false);
        };
        if let Some(until) = replace.reauthenticated_until {
            record.authenticated_at = replace.now;
            record.last_seen_at = record.last_seen_at.max(replace.now);
            record.absolute_expires_at = until;
        }
        let (digest, session, at) = (replace.old, record.id, replace.now);
        self.append(Entry { position: 0, digest, session, at, ending: None });
        self.sessions.insert(replace.new, record);
        Ok(true)
    }

    fn end(&mut self, target: Target, reason: EndReason, at: Timestamp) -> u64 {
        match target {
            Target::Token(token) => self.end_where(reason, at, |digest, _| *digest == token),
            Target::Session(id) => self.end_where(reason, at, |_, record| record.id == id),
            Target::OwnSession(id, subject) => {
                self.end_where(reason, at, |_, record| record.id == id && record.subject == subject)
            }
            Target::Subject(subject) => self.end_subject(&subject, None, reason, at),
            Target::Others(subject, keep) => self.end_subject(&subject, Some(keep), reason, at),
            Target::Everyone => {
                self.everyone_ended_at = Some(self.next_position());
                self.end_where(reason, at, |_, _| true)
            }
        }
    }

    /// The sessions that one page of a walk looks at, newest first; with the last id, if there are more below.
    fn window(&self, filter: &SessionFilter, before: Option<SessionId>) -> (Vec<&SessionRecord>, Option<SessionId>) {
        let start = filter.start(before);
        let mut window: Vec<_> = self
            .sessions
            .values()
            .filter(|record| filter.subject.as_ref().is_none_or(|subject| record.subject == *subject))
            .filter(|record| start.is_none_or(|start| record.id < start))
            .collect();
        window.sort_unstable_by_key(|record| std::cmp::Reverse(record.id));
        let is_more = window.len() > LOOKED_AT_MAX as usize;
        window.truncate(LOOKED_AT_MAX as usize);
        let looked_to = window.last().filter(|_| is_more).map(|record| record.id);
        (window, looked_to)
    }

    fn list(&self, query: &ListQuery) -> SessionPage {
        let (window, looked_to) = self.window(&query.filter, query.before);
        let fetched = query.limit.min(PAGE_MAX) as usize + 1;
        let found = window.into_iter().filter(|record| query.filter.matches(record)).take(fetched).cloned();
        SessionPage::of(found.collect(), query.limit, looked_to)
    }

    fn count_matching(&self, filter: &SessionFilter, before: Option<SessionId>, at: Timestamp) -> CountedPage {
        let (window, next) = self.window(filter, before);
        let living = window.into_iter().filter(|record| filter.matches(record) && record.is_living(at)).count();
        CountedPage { living: living as u64, next }
    }

    fn end_matching(&mut self, query: &ListQuery, reason: EndReason, at: Timestamp) -> EndedPage {
        let SessionPage { sessions, next } = self.list(query);
        let ended = sessions.iter().filter(|record| record.is_living(at)).count() as u64;
        let ids: HashSet<_> = sessions.iter().map(|record| record.id).collect();
        self.end_where(reason, at, |_, record| ids.contains(&record.id));
        EndedPage { ended, next }
    }

    fn scrub(&mut self, scrub: Scrub) -> Scrubbed {
        let mut walk: Vec<_> =
            self.sessions.values_mut().filter(|it| scrub.after.is_none_or(|at| it.id > at)).collect();
        walk.sort_unstable_by_key(|record| record.id);
        let chunk = scrub.chunk.max(1) as usize;
        let next = (walk.len() >= chunk).then(|| walk[chunk - 1].id);
        let old = walk.into_iter().take(chunk).filter(|record| record.created_at < scrub.created_before);
        let mut sessions = 0;
        for record in old.filter(|record| record.client != ClientFacts::default()) {
            record.client = ClientFacts::default();
            sessions += 1;
        }
        Scrubbed { sessions, next }
    }

    fn purge(&mut self, purge: Purge) -> Purged {
        let chunk = purge.chunk as usize;
        // What ended before a time was not living in the millisecond before it.
        let last = purge.ended_before.minus(Duration::from_millis(1));
        let mut gone: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, record)| !record.is_living(last))
            .map(|(digest, record)| (*digest, record.absolute_expires_at <= last))
            .collect();
        let (forgotten, is_any_old) = self.purge_feed(purge.feed_before, chunk);
        let more = gone.len() > chunk || is_any_old;
        gone.truncate(chunk);
        let sessions = gone.len() as u64;
        for (purged, absolute) in gone {
            let reason = if absolute { EndReason::Absolute } else { EndReason::Idle };
            self.end_where(reason, purge.at, |digest, _| *digest == purged);
        }
        Purged { sessions, feed: forgotten as u64, more }
    }
}

fn ready<'a, T: Send + 'a>(result: Result<T, StoreError>) -> StoreFuture<'a, T> {
    Box::pin(std::future::ready(result))
}

impl SessionStore for MemoryStore {
    fn begin(&self) -> StoreFuture<'_, Moment> {
        ready(Ok(Moment::Position(self.state().position)))
    }

    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        ready(self.state().issue(issue))
    }

    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        ready(Ok(self.state().sessions.get(&digest).cloned()))
    }

    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        let state = self.state();
        let mut of_digest = state.feed.iter().rev().filter(|entry| entry.digest == digest);
        ready(Ok(of_digest.find_map(|entry| entry.ending.clone())))
    }

    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        ready(Ok(self.state().touch(&touches, now)))
    }

    fn replace(&self, replace: Replace) -> StoreFuture<'_, bool> {
        ready(self.state().replace(&replace))
    }

    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        ready(Ok(self.state().end(target, reason, at)))
    }

    fn list(&self, query: ListQuery) -> StoreFuture<'_, SessionPage> {
        ready(Ok(self.state().list(&query)))
    }

    fn count_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> StoreFuture<'_, CountedPage> {
        ready(Ok(self.state().count_matching(&filter, before, at)))
    }

    fn end_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        chunk: u32,
        reason: EndReason,
        at: Timestamp,
    ) -> StoreFuture<'_, EndedPage> {
        ready(Ok(self.state().end_matching(&ListQuery { filter, before, limit: chunk.max(1) }, reason, at)))
    }

    fn endings(&self, subject: Subject, limit: u32) -> StoreFuture<'_, Vec<Ending>> {
        let state = self.state();
        let of_subject =
            state.feed.iter().rev().filter_map(|entry| entry.ending.as_ref()).filter(|e| e.subject == subject);
        ready(Ok(of_subject.take(limit.min(PAGE_MAX) as usize).cloned().collect()))
    }

    fn feed(&self, _answer_max: Duration) -> Box<dyn FeedReader> {
        Box::new(feed::Reader::of(&self.0))
    }

    fn hint(&self) -> StoreFuture<'_, ()> {
        ready(Ok(())) // whoever shares it is in this process
    }

    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        ready(Ok(self.state().purge(purge)))
    }

    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed> {
        ready(Ok(self.state().scrub(scrub)))
    }
}
