//! What changes rows: logins, endings, changes by hand, uses; and what the instance that asked for it does then.

use super::super::database::{Deed, Flavour, Row, Token, Transaction, digest};
use super::{DAY, Event, World, note};
use crate::session::Times;
use crate::time::Timestamp;

/// A transaction that somebody is going to make.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    deed: Deed,
    /// The instance that asks for it and its start; `None`: somebody by hand.
    by: Option<(usize, u32)>,
    transaction: Option<Transaction>,
    commits_after: u64,
    rolls_back: bool,
    waits_for_everywhere: bool,
    /// Every message of it is quick.
    is_urgent: bool,
}

/// A commit, as the instance hears of it that asked for it.
#[derive(Clone, Debug)]
pub(super) struct Done {
    deed: Deed,
    tokens: Vec<Token>,
    committed: u64,
    waits_for_everywhere: bool,
}

impl World {
    pub(super) fn day(&self) -> Timestamp {
        Timestamp::from_millis(DAY.saturating_add_unsigned(self.now / 1_000_000))
    }

    fn new_row(&self) -> Row {
        let day = self.day();
        let some = |most: u32| self.terms.lease * (2 + u32::try_from(self.chance.below(u64::from(most))).unwrap_or(0));
        let times = Times {
            authenticated_at: day,
            last_seen_at: day,
            idle_timeout: self.chance.per_mille(600).then(|| some(5)),
            absolute_expires_at: day.plus(some(24)),
        };
        Row { session: self.tokens as u64, subject: self.chance.index(4), times }
    }

    fn new_token(&mut self) -> Token {
        self.tokens += 1;
        self.tokens
    }

    pub(super) fn log_in_at_once(&mut self) {
        let (token, row) = (self.new_token(), self.new_row());
        let transaction = self.database.write();
        self.database.commit(transaction, &Deed::LogIn(token, row), self.day());
        self.judge.observe(self.now, self.database.rows());
        self.known.push(token);
        self.database.save();
    }

    pub(super) fn urgent(&self, deed: Deed, by: Option<usize>) -> Plan {
        Plan { is_urgent: true, waits_for_everywhere: true, ..self.plan(deed, by) }
    }

    fn plan(&self, deed: Deed, by: Option<usize>) -> Plan {
        let by = by.map(|instance| (instance, self.instances[instance].start));
        let (transaction, commits_after) = (None, 0);
        Plan { deed, by, transaction, commits_after, rolls_back: false, waits_for_everywhere: false, is_urgent: false }
    }

    /// Somebody decides to change something.
    pub(super) fn deed(&mut self) {
        if self.is_calm {
            return;
        }
        self.after(self.chance.falling(self.lease / 6), Event::Deed);
        let rows = self.database.rows();
        let any = rows.keys().nth(self.chance.index(rows.len())).copied();
        let warm = self.instances[self.chance.index(self.instances.len())].warm.back().copied();
        let warm = warm.filter(|token| rows.contains_key(token));
        let token = if self.chance.per_mille(600) { warm.or(any) } else { any };
        let few = rows.len() < 6;
        let deed = match (self.chance.below(100), token) {
            (0..25, _) | (_, None) => None,
            (25..80, _) if few => None,
            (25..52, Some(token)) => Some(Deed::End(vec![token])),
            (52..60, _) => Some(Deed::EndSubject(self.chance.index(4))),
            (60..62, _) => Some(Deed::EndEveryone { are_named: true }),
            (62..65, _) => Some(Deed::EndEveryone { are_named: false }),
            (65..73, Some(token)) => Some(Deed::Shorten(token, self.terms.lease * 22)),
            (73..80, Some(token)) => Some(Deed::GiveTo(token, self.chance.index(4))),
            (80..90, Some(token)) => Some(Deed::Replace(token, 0)),
            _ => Some(Deed::PurgeExpired),
        };
        let deed = match deed {
            None => Deed::LogIn(self.new_token(), self.new_row()),
            Some(Deed::Replace(old, _)) => Deed::Replace(old, self.new_token()),
            Some(deed) => deed,
        };
        let asks = matches!(
            deed,
            Deed::End(_) | Deed::EndSubject(_) | Deed::EndEveryone { are_named: true } | Deed::Replace(..)
        );
        let by = (asks && self.chance.per_mille(650)).then(|| self.chance.index(self.instances.len()));
        let commits_after = if self.chance.per_mille(750) {
            self.chance.falling(self.lease / 60)
        } else {
            self.chance.below(self.lease * 4 / 3)
        };
        let plan = Plan {
            commits_after,
            rolls_back: self.chance.per_mille(100),
            waits_for_everywhere: self.chance.per_mille(500),
            ..self.plan(deed, by)
        };
        self.after(self.delay(), Event::Write(plan));
    }

    pub(super) fn write(&mut self, mut plan: Plan) {
        if self.now < self.database.down_until {
            return; // whoever asked is told that it failed
        }
        if !self.unaware.is_empty() {
            self.after(self.lease / 10, Event::Write(plan)); // or who has not polled since could not tell
            return;
        }
        plan.transaction = Some(self.database.write());
        note!(self, "begins to {:?}: {:?}", plan.deed, plan.transaction);
        self.after(plan.commits_after, Event::Commit(plan));
    }

    pub(super) fn commit(&mut self, plan: Plan) {
        let Some(transaction) = plan.transaction else { return };
        if plan.rolls_back {
            self.database.roll_back(transaction);
            note!(self, "rolls back {:?}", plan.deed);
            return;
        }
        let Some(tokens) = self.database.commit(transaction, &plan.deed, self.day()) else { return };
        note!(self, "commits {:?}, which names {tokens:?}", plan.deed);
        self.judge.observe(self.now, self.database.rows());
        if self.chance.per_mille(300) {
            self.database.save();
        }
        match &plan.deed {
            Deed::LogIn(token, _) => {
                self.known.push(*token);
                return;
            }
            Deed::Replace(old, new) if tokens.contains(old) => self.known.push(*new),
            _ => {}
        }
        self.coverage.endings += 1;
        for instance in 0..self.instances.len() {
            if !plan.is_urgent && self.chance.per_mille(500) {
                self.after(self.delay(), Event::Hint(instance));
            }
            for token in tokens.iter().take(4) {
                for _ in 0..2 {
                    self.probe(self.chance.below(self.lease * 7 / 5), instance, *token);
                }
            }
        }
        if let Some((instance, start)) = plan.by
            && !self.chance.per_mille(40)
        {
            let Plan { deed, waits_for_everywhere, .. } = plan;
            let delay = if plan.is_urgent { self.lease / 5_000 } else { self.delay() };
            let done = Done { deed, tokens, committed: self.now, waits_for_everywhere };
            self.after(delay, Event::Ended(instance, start, done));
        }
    }

    /// An instance hears that what it asked for is committed: it forgets, and then tells whoever asked.
    pub(super) fn ended(&mut self, instance: usize, start: u32, done: Done) {
        let Done { deed, tokens, committed, waits_for_everywhere } = done;
        let clock = self.read(instance);
        let protocol = &mut self.instances[instance].protocol;
        match &deed {
            Deed::EndSubject(subject) => {
                let subject = &self.subjects[*subject];
                protocol.forget_where(&|held| held.subject() == subject);
            }
            Deed::EndEveryone { .. } => protocol.forget_where(&|_| true),
            _ => tokens.iter().for_each(|token| protocol.forget(&digest(*token))),
        }
        let reaches = clock.steady.plus(protocol.everywhere());
        note!(self, "{instance}: {tokens:?} ended here");
        for token in &tokens {
            // Who was given away less than a lease ago may still be held as the former owner's, and is not found by the new one.
            let is_found = !matches!(deed, Deed::EndSubject(_))
                || self.judge.stood_for(*token) >= self.instances[instance].clocks.undrifted(self.lease);
            if is_found {
                self.judge.told(instance, *token, self.now, true);
            }
            self.probe(1_000, instance, *token);
        }
        if waits_for_everywhere {
            let at = self.instances[instance].clocks.reaches(reaches);
            self.at(at.max(self.now), Event::Everywhere(instance, start, tokens, committed));
        }
    }

    pub(super) fn everywhere(&mut self, by: usize, tokens: &[Token], committed: u64) {
        note!(self, "{by}: everywhere returns for {tokens:?}");
        self.coverage.everywhere += 1;
        // What a loss of the database brought back meanwhile did not stay ended.
        let stayed = |token: &&Token| self.judge.ended(**token).is_some_and(|ended| ended <= committed);
        for token in tokens.iter().filter(stayed).copied().collect::<Vec<_>>() {
            self.judge.everywhere(token, self.now);
            for instance in 0..self.instances.len() {
                for span in [1, self.lease / 1_000, self.lease / 300] {
                    self.probe(span, instance, token);
                }
            }
        }
    }

    /// What was used is going to be written.
    pub(super) fn sweep(&mut self, instance: usize, start: u32) {
        self.after(self.lease / 2, Event::Sweep(instance, start));
        let touches: Vec<_> = std::mem::take(&mut self.instances[instance].touches).into_iter().collect();
        if !touches.is_empty() {
            self.after(self.delay(), Event::TouchAsked(instance, start, touches));
        }
    }

    pub(super) fn touch_asked(&mut self, instance: usize, start: u32, touches: &[(Token, Timestamp)]) {
        if !self.is_reached(instance) || !self.unaware.is_empty() {
            return; // lost, as with a process that ends
        }
        let day = self.day();
        let is_gone = |(token, used_at): &&(Token, Timestamp)| !self.database.touch(*token, *used_at, day);
        let gone: Vec<Token> = touches.iter().filter(is_gone).map(|(token, _)| *token).collect();
        self.judge.observe(self.now, self.database.rows());
        self.coverage.touches += 1;
        if self.database.flavour() == Flavour::Snapshots {
            let transaction = self.database.write(); // it has a number, and nothing in the feed
            self.database.roll_back(transaction);
        }
        self.after(self.delay(), Event::TouchAnswered(instance, start, gone));
    }

    pub(super) fn touch_answered(&mut self, instance: usize, gone: &[Token]) {
        let protocol = &mut self.instances[instance].protocol;
        for token in gone {
            protocol.forget(&digest(*token));
        }
    }
}
