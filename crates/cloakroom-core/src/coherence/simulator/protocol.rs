//! What the simulator asks of whoever keeps the protocol: the seam at which tests put in wrong ones.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::Reading;
use crate::coherence::{Applied, FeedReply, Held, Horizon, LeaseTerms, Load, Poll, Replica};
use crate::policy::Policy;
use crate::time::Steady;
use crate::token::TokenDigest;
use crate::verdict::{Verdict, verdict};

/// One instance's side of the protocol, in the steps between which a process may be stopped.
///
/// Everything has to be asked in the order that [`coherence`](crate::coherence) says; the simulator does.
pub trait Protocol: Debug {
    /// Begins a poll.
    fn begin_poll(&mut self, clock: &Reading) -> Question;

    /// Applies a reply. `between` is called where other requests may come in: after the dropping and before the renewal.
    fn finish_poll(
        &mut self,
        question: &Question,
        reply: FeedReply,
        clock: &Reading,
        between: &mut dyn FnMut(&dyn Protocol),
    ) -> Applied;

    /// The connection broke before the reply was there.
    fn poll_failed(&mut self, _question: &Question, _clock: &Reading) {}

    /// A reply was sent and lost. Nobody can know what it said; only a wrong protocol makes something of it.
    fn poll_lost(&mut self, _reply: &FeedReply) {}

    /// Somebody said that there is something to poll; the poll follows.
    fn hinted(&mut self, _clock: &Reading) {}

    /// The first step of a hit: the lease's end.
    fn look_first(&self, digest: &TokenDigest, look: &mut Look);

    /// The second: the entry.
    fn look_second(&self, digest: &TokenDigest, look: &mut Look);

    /// The last: the clock and the verdict.
    fn answer(&self, digest: &TokenDigest, look: &Look, clock: &Reading, policy: &Policy) -> Answer;

    /// All three steps at once, as they mostly are.
    fn find(&self, digest: &TokenDigest, clock: &Reading, policy: &Policy) -> Answer {
        let mut look = Look::default();
        self.look_first(digest, &mut look);
        self.look_second(digest, &mut look);
        self.answer(digest, &look, clock, policy)
    }

    /// Begins a load.
    fn begin_load(&mut self, clock: &Reading) -> Load;

    /// Whether a request that comes now may wait for a load that has begun.
    fn may_join(&self, load: &Load) -> bool;

    /// Whether a load's reply may be served now.
    fn may_serve(&self, load: &Load, clock: &Reading) -> bool;

    /// Whether the "no" of a load counts for a request that came when the load had begun.
    fn shares_no(&self) -> bool {
        false
    }

    /// Whether a database that cannot be asked is "logged out".
    fn takes_silence_for_no(&self) -> bool {
        false
    }

    /// Keeps what a load found usable.
    fn finish_load(&mut self, load: &Load, held: Arc<Held>);

    /// The database said "no" of a token. Nothing is kept of it; only a wrong protocol makes something of it.
    fn found_unusable(&mut self, _digest: &TokenDigest) {}

    /// Drops what this instance ended itself.
    fn forget(&mut self, digest: &TokenDigest);

    /// Drops what this instance ended without knowing the tokens.
    fn forget_where(&mut self, has_ended: &dyn Fn(&Held) -> bool);

    /// How long to wait after a commit until no instance serves what it ended.
    fn everywhere(&self) -> Duration;

    /// The process ends and starts anew.
    fn restart(&mut self);

    /// How often everything was dropped since the start.
    fn emptied(&self) -> u64;
}

/// A poll and what it asks the database.
#[derive(Clone, Debug)]
pub struct Question {
    /// The poll.
    pub poll: Poll,
    /// From where it asks.
    pub since: Option<Horizon>,
    /// Asks by position where transactions commit in any order: wrong.
    pub by_position: bool,
    /// Takes as much as one reply carries for all there is: wrong.
    pub takes_part_for_all: bool,
}

/// What the steps of a hit have read so far.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The lease's end.
    pub lease_until: Option<Steady>,
    /// The entry.
    pub held: Option<Arc<Held>>,
}

/// What memory says.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Serve it.
    Yes(Arc<Held>),
    /// Ask the database.
    Ask,
    /// Refuse it: nobody who keeps the protocol says this from memory.
    No,
}

/// The protocol as it is written, by the product's own state machine.
#[derive(Debug)]
pub struct AsWritten {
    replica: Replica,
    terms: LeaseTerms,
}

impl AsWritten {
    /// A new instance's.
    pub fn new(terms: &LeaseTerms) -> Self {
        Self { replica: Replica::new(terms), terms: *terms }
    }

    /// The state machine.
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }
}

impl Protocol for AsWritten {
    fn begin_poll(&mut self, clock: &Reading) -> Question {
        let poll = self.replica.begin_poll(clock.steady);
        Question { since: poll.since().cloned(), poll, by_position: false, takes_part_for_all: false }
    }

    fn finish_poll(
        &mut self,
        question: &Question,
        reply: FeedReply,
        _clock: &Reading,
        between: &mut dyn FnMut(&dyn Protocol),
    ) -> Applied {
        let this: &Self = self;
        this.replica.finish_poll_with(&question.poll, reply, || between(this))
    }

    fn look_first(&self, _digest: &TokenDigest, look: &mut Look) {
        look.lease_until = Some(self.replica.lease_until());
    }

    fn look_second(&self, digest: &TokenDigest, look: &mut Look) {
        look.held = self.replica.entry(digest);
    }

    fn answer(&self, _digest: &TokenDigest, look: &Look, clock: &Reading, policy: &Policy) -> Answer {
        match (&look.held, look.lease_until) {
            (Some(held), Some(until))
                if clock.steady < until && verdict(held.times(), clock.now, policy) == Verdict::Usable =>
            {
                Answer::Yes(Arc::clone(held))
            }
            _ => Answer::Ask,
        }
    }

    fn find(&self, digest: &TokenDigest, clock: &Reading, policy: &Policy) -> Answer {
        let is_usable = |held: &Arc<Held>| verdict(held.times(), clock.now, policy) == Verdict::Usable;
        self.replica.find(digest, clock).filter(is_usable).map_or(Answer::Ask, Answer::Yes)
    }

    fn begin_load(&mut self, clock: &Reading) -> Load {
        self.replica.begin_load(clock.steady)
    }

    fn may_join(&self, load: &Load) -> bool {
        self.replica.may_join(load)
    }

    fn may_serve(&self, load: &Load, clock: &Reading) -> bool {
        clock.steady < self.replica.load_until(load)
    }

    fn finish_load(&mut self, load: &Load, held: Arc<Held>) {
        self.replica.finish_load(load, held);
    }

    fn forget(&mut self, digest: &TokenDigest) {
        self.replica.forget(digest);
    }

    fn forget_where(&mut self, has_ended: &dyn Fn(&Held) -> bool) {
        self.replica.forget_where(has_ended);
    }

    fn everywhere(&self) -> Duration {
        self.terms.everywhere()
    }

    fn restart(&mut self) {
        self.replica = Replica::new(&self.terms);
    }

    fn emptied(&self) -> u64 {
        self.replica.counts().emptied
    }
}
