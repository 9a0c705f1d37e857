//! A model of the database: rows, transactions, the feed, and how each is lost.
//!
//! Everything here happens at once; how long messages and transactions take is the world's to say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::protocol::Question;
use crate::coherence::{Change, Continuity, Delta, FeedReply, Held, Horizon, Loss, Snapshot};
use crate::ending::EndReason;
use crate::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject, Times};
use crate::time::Timestamp;
use crate::token::TokenDigest;

/// A token by its number; every token there ever was has one.
pub(super) type Token = usize;

/// More rows of the feed than one transaction writes here.
const RESERVED: i64 = 64;

/// How transactions are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// As on PostgreSQL: many writers, snapshots.
    Snapshots,
    /// As on SQLite: one writer, positions.
    Positions,
}

/// A session's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) session: u64,
    pub(super) subject: usize,
    pub(super) times: Times,
}

/// What a transaction is going to do.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    LogIn(Token, Row),
    End(Vec<Token>),
    EndSubject(usize),
    /// Each is named, or nobody is (TRUNCATE).
    EndEveryone {
        are_named: bool,
    },
    Shorten(Token, Duration),
    GiveTo(Token, usize),
    Replace(Token, Token),
    PurgeExpired,
}

/// A transaction that has written and is not committed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transaction {
    xid: u64,
    position: i64,
    start: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    position: i64,
    xid: u64,
    change: Change,
}

/// What a restart keeps and a failover may lose a part of.
#[derive(Clone, Debug, Default)]
struct State {
    rows: BTreeMap<Token, Row>,
    feed: Vec<Entry>,
    /// Of rows of the feed that are no more.
    purged: Vec<(u64, i64)>,
    next_xid: u64,
    completed: u64,
    in_progress: BTreeSet<u64>,
    position: i64,
}

/// The database.
#[derive(Debug)]
pub(super) struct Database {
    flavour: Flavour,
    /// How many changes one reply carries.
    carries: usize,
    state: State,
    saved: Vec<State>,
    timeline: u64,
    /// Transactions of an earlier start are gone.
    start: u64,
    pub(super) down_until: u64,
}

impl Database {
    pub(super) fn new(flavour: Flavour, carries: usize) -> Self {
        let state = State { next_xid: 700, completed: 699, ..State::default() };
        Self { flavour, carries, state, saved: Vec::new(), timeline: 1, start: 0, down_until: 0 }
    }

    pub(super) const fn flavour(&self) -> Flavour {
        self.flavour
    }

    pub(super) const fn rows(&self) -> &BTreeMap<Token, Row> {
        &self.state.rows
    }

    /// A transaction's first write: its xid and the positions of what it writes to the feed.
    pub(super) fn write(&mut self) -> Transaction {
        let state = &mut self.state;
        let transaction = Transaction { xid: state.next_xid, position: state.position + 1, start: self.start };
        state.next_xid += 1;
        if self.flavour == Flavour::Snapshots {
            state.in_progress.insert(transaction.xid);
            state.position += RESERVED;
        }
        transaction
    }

    /// Commits; the tokens that are named in the feed by it. `None` if the transaction was lost meanwhile.
    pub(super) fn commit(&mut self, of: Transaction, deed: &Deed, at: Timestamp) -> Option<Vec<Token>> {
        if of.start != self.start {
            return None;
        }
        self.state.complete(of.xid);
        let (named, everyone) = self.state.apply(deed, at);
        let mut position = if self.flavour == Flavour::Positions { self.state.position + 1 } else { of.position };
        let changes = everyone.into_iter().chain(named.iter().map(|(token, is_end)| change(*token, *is_end, at)));
        for change in changes.collect::<Vec<_>>() {
            self.state.feed.push(Entry { position, xid: of.xid, change });
            position += 1;
        }
        if self.flavour == Flavour::Positions {
            self.state.position = position - 1;
        }
        Some(named.into_iter().map(|(token, _)| token).collect())
    }

    pub(super) fn roll_back(&mut self, of: Transaction) {
        if of.start == self.start {
            self.state.complete(of.xid);
        }
    }

    /// Records a use unless the session is gone or has ended; whether it did.
    pub(super) fn touch(&mut self, token: Token, used_at: Timestamp, now: Timestamp) -> bool {
        match self.state.rows.get_mut(&token) {
            Some(row) if is_living(&row.times, now) => {
                row.times.last_seen_at = row.times.last_seen_at.max(used_at);
                true
            }
            _ => false,
        }
    }

    /// Answers a poll, in one snapshot.
    pub(super) fn poll(&self, question: &Question) -> FeedReply {
        let state = &self.state;
        let horizon = match self.flavour {
            Flavour::Snapshots if !question.by_position => Horizon::Snapshot(state.snapshot()),
            Flavour::Snapshots => Horizon::Position(state.highest_visible_position()),
            Flavour::Positions => Horizon::Position(state.position),
        };
        let is_seen = |xid: u64, position: i64| match &question.since {
            None => true,
            Some(Horizon::Snapshot(seen)) => seen.sees(xid),
            Some(Horizon::Position(seen)) => position <= *seen,
        };
        let new = state.feed.iter().filter(|entry| !is_seen(entry.xid, entry.position));
        let mut changes: Vec<Change> = new.map(|entry| entry.change).collect();
        let delta = if state.purged.iter().any(|(xid, position)| !is_seen(*xid, *position)) {
            Delta::Lost(Loss::Purged)
        } else if changes.len() > self.carries && !question.takes_part_for_all {
            Delta::Lost(Loss::TooMany)
        } else {
            changes.truncate(self.carries);
            Delta::Changes(changes)
        };
        FeedReply { continuity: Continuity::new(format!("timeline {}", self.timeline)), horizon, delta }
    }

    /// Purges the oldest rows of the feed but `keep`.
    pub(super) fn purge_feed(&mut self, keep: usize) {
        let gone = self.state.feed.len().saturating_sub(keep);
        self.state.purged.extend(self.state.feed.drain(..gone).map(|entry| (entry.xid, entry.position)));
    }

    /// Notes a state that a failover may go back to.
    pub(super) fn save(&mut self) {
        if self.saved.len() == 6 {
            self.saved.remove(0);
        }
        self.saved.push(self.state.clone());
    }

    /// Ends and starts: what was not committed is gone.
    pub(super) fn restart(&mut self, down_until: u64) {
        self.down_until = down_until;
        self.start += 1;
        self.state.in_progress.clear();
        self.state.completed = self.state.next_xid - 1;
    }

    /// Goes on elsewhere, with an older state, in a history of its own.
    pub(super) fn fail_over(&mut self, back: usize, down_until: u64) {
        self.timeline += 1;
        self.go_back(back);
        self.restart(down_until);
    }

    /// Goes back to an older state without saying so, if everybody who saw as far as `seen` can tell.
    pub(super) fn rewind(&mut self, back: usize, seen: &[Horizon]) -> bool {
        let Some(saved) = self.saved.iter().rev().nth(back) else { return false };
        let can_tell = |horizon: &Horizon| match horizon {
            Horizon::Snapshot(seen) => seen.xmax() > saved.next_xid,
            Horizon::Position(seen) => *seen > saved.position,
        };
        let can_all_tell = seen.iter().all(can_tell);
        if can_all_tell {
            self.go_back(back);
            self.restart(0);
        }
        can_all_tell
    }

    fn go_back(&mut self, back: usize) {
        let left = self.saved.len().saturating_sub(back);
        self.saved.truncate(left);
        if let Some(saved) = self.saved.pop() {
            self.state = saved;
        }
    }
}

impl State {
    fn complete(&mut self, xid: u64) {
        self.in_progress.remove(&xid);
        self.completed = self.completed.max(xid);
    }

    /// As PostgreSQL takes it: xmax is one above the highest that has ended, not the next to be given out.
    fn snapshot(&self) -> Snapshot {
        let xmax = self.completed + 1;
        Snapshot::new(xmax, self.in_progress.range(..xmax).copied().collect::<Vec<_>>())
    }

    /// What an instance would take for its horizon that knows positions only.
    fn highest_visible_position(&self) -> i64 {
        let (here, purged) =
            (self.feed.iter().map(|entry| entry.position), self.purged.iter().map(|(_, position)| *position));
        here.chain(purged).max().unwrap_or(0)
    }

    /// Does it to what is there at the commit; what is named of it, and whether by an end.
    fn apply(&mut self, deed: &Deed, at: Timestamp) -> (Vec<(Token, bool)>, Option<Change>) {
        let rows = &mut self.rows;
        let mut everyone = None;
        let ends: Vec<Token> = match deed {
            Deed::LogIn(token, row) => {
                rows.insert(*token, row.clone());
                Vec::new()
            }
            Deed::End(tokens) => tokens.clone(),
            Deed::EndSubject(subject) => {
                rows.iter().filter(|(_, row)| row.subject == *subject).map(|(token, _)| *token).collect()
            }
            Deed::EndEveryone { are_named } => {
                if !are_named {
                    rows.clear();
                    everyone = Some(Change::EveryoneEnded { reason: EndReason::ByHand, at });
                }
                rows.keys().copied().collect()
            }
            Deed::PurgeExpired => {
                rows.iter().filter(|(_, row)| !is_living(&row.times, at)).map(|(token, _)| *token).collect()
            }
            Deed::Shorten(token, by) => {
                let Some(row) = rows.get_mut(token) else { return (Vec::new(), None) };
                row.times.absolute_expires_at = row.times.absolute_expires_at.minus(*by);
                return (vec![(*token, false)], None);
            }
            Deed::GiveTo(token, subject) => {
                let Some(row) = rows.get_mut(token) else { return (Vec::new(), None) };
                row.subject = *subject;
                return (vec![(*token, false)], None);
            }
            Deed::Replace(old, new) => {
                let Some(row) = rows.remove(old) else { return (Vec::new(), None) };
                rows.insert(*new, row);
                return (vec![(*old, false)], None);
            }
        };
        (ends.into_iter().filter(|token| rows.remove(token).is_some()).map(|token| (token, true)).collect(), everyone)
    }
}

fn is_living(times: &Times, now: Timestamp) -> bool {
    now < times.absolute_expires_at && times.idle_timeout.is_none_or(|idle| now < times.last_seen_at.plus(idle))
}

fn change(token: Token, is_end: bool, at: Timestamp) -> Change {
    let (digest, session) = (digest(token), SessionId::from_uuid(Uuid::from_u128(token as u128)));
    if is_end {
        Change::Ended { digest, session, reason: EndReason::Logout, at }
    } else {
        Change::Changed { digest, session }
    }
}

/// The digest of a token: its number, and noise where the cache takes the place from.
pub(super) fn digest(token: Token) -> TokenDigest {
    let mut bytes = [0; 32];
    let noise = crate::world::PredictableRandom::from_seed(token as u64).next().to_le_bytes();
    bytes[..8].copy_from_slice(&noise);
    bytes[8..16].copy_from_slice(&(token as u64).to_le_bytes());
    TokenDigest::from_bytes(bytes)
}

/// The token of a digest.
pub(super) fn token(digest: &TokenDigest) -> Token {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_bytes()[8..16]);
    usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX)
}

/// What an instance holds of a row.
pub(super) fn held(token: Token, row: &Row, subjects: &[Subject; 4]) -> Held {
    let Times { authenticated_at, last_seen_at, idle_timeout, absolute_expires_at } = row.times;
    let record = SessionRecord {
        id: SessionId::from_uuid(Uuid::from_u128(row.session.into())),
        subject: subjects[row.subject % 4].clone(),
        created_at: authenticated_at,
        authenticated_at,
        last_seen_at,
        idle_timeout,
        absolute_expires_at,
        auth_method: AuthMethod::password(),
        client: ClientFacts::default(),
    };
    Held::of(digest(token), &record)
}
