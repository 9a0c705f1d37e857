//! The protocol with one thing done wrong: wrong uses of the real state machine, each by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::coherence::simulator::{Answer, AsWritten, Look, Protocol, Question, Reading, Rule};
use cloakroom_core::coherence::{
    Applied, Change, Continuity, Delta, FeedReply, Held, Horizon, LeaseTerms, Load, Loss, Snapshot,
};
use cloakroom_core::policy::Policy;
use cloakroom_core::time::Steady;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::verdict::{Verdict, verdict};

/// Declares the faults, each with a rule that it breaks.
macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident => $rule:ident,)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault { Nothing, $($(#[$doc])* $fault,)* }

        /// Each with the rule that it has to be seen to break.
        pub(crate) const FAULTS: &[(Fault, Rule)] = &[$((Fault::$fault, Rule::$rule),)*];
    };
}

faults! {
    LeaseCountsFromTheReply => Bounded,
    HitsNeedNoLease => Bounded,
    LoadsNeedNoLease => Bounded,
    RacedLoadsAreKept => Bounded,
    LoadsFromBeforeTheFirstPollAreKept => Bounded,
    PositionsInsteadOfSnapshots => Bounded,
    TransactionsInProgressAreForgotten => Bounded,
    /// An entry that is not usable is refused, although the row may have been used elsewhere.
    MemorySaysNo => FalseRefusal,
    NoIsRemembered => FalseRefusal,
    ReconnectSkipsAhead => Bounded,
    ReconnectEmpties => NeedlesslyEmptied,
    LapsedLeaseEmpties => NeedlesslyEmptied,
    ContinuityIsIgnored => Bounded,
    GoingBackIsIgnored => Bounded,
    PurgedIsNothing => Bounded,
    TooManyIsNothing => Bounded,
    TooManyIsCutShort => Bounded,
    ChangedIsIgnored => Bounded,
    EveryoneIsIgnored => Bounded,
    ClockStopsInSuspension => Bounded,
    ClockIsTheTimeOfDay => Bounded,
    HintRenews => Bounded,
    FailedPollRenews => Bounded,
    /// The horizon moves although nobody received what it was to cover.
    LostReplyMovesTheHorizon => Bounded,
    LateReplyCountsForTheNextPoll => Bounded,
    OwnEndingIsNotForgotten => OwnEnding,
    OwnEndingCountsNoGeneration => OwnEnding,
    EverywhereDoesNotWait => Everywhere,
    EverywhereHasNoMargin => Everywhere,
    HitsNeedNoVerdict => Expiry,
    LeaseIsReadAfterTheEntry => Bounded,
    LeaseIsRenewedBeforeDropping => Bounded,
    RestartKeepsTheCache => Bounded,
    /// Who comes after an ending joins a load from before it.
    LoadsAreAlwaysJoined => OwnEnding,
    /// Who joined a load takes its "no", although somebody may have used the session since.
    NoOfAJoinedLoadCounts => FalseRefusal,
    SilenceIsNo => FalseRefusal,
    /// A generation is counted only if there was something to drop, which a load under way has yet to put there.
    OnlyWhatIsHeldCounts => NobodyComesBack,
    NothingIsKept => Liveness,
}

/// Keeps the protocol but for one fault.
#[derive(Debug)]
pub(crate) struct Broken {
    fault: Fault,
    terms: LeaseTerms,
    inner: AsWritten,
    /// By state machines before this one.
    emptied_before: u64,
    /// The poll that may be answered.
    latest: Option<Question>,
    last: Option<(Continuity, Horizon)>,
    has_failed: bool,
    lost: Option<Horizon>,
    kept: BTreeMap<TokenDigest, Arc<Held>>,
    /// Dropped in secret, or refused.
    marked: BTreeSet<TokenDigest>,
}

impl Broken {
    pub(crate) fn new(fault: Fault, terms: &LeaseTerms) -> Self {
        Self {
            fault,
            terms: *terms,
            inner: AsWritten::new(terms),
            emptied_before: 0,
            latest: None,
            last: None,
            has_failed: false,
            lost: None,
            kept: BTreeMap::new(),
            marked: BTreeSet::new(),
        }
    }

    fn clock(&self, clock: &Reading) -> Reading {
        let steady = match self.fault {
            Fault::ClockStopsInSuspension => clock.awake,
            Fault::ClockIsTheTimeOfDay => {
                Steady::from_nanos(u64::try_from(clock.now.as_millis()).unwrap_or(0) * 1_000_000)
            }
            _ => clock.steady,
        };
        Reading { steady, ..*clock }
    }

    fn start_anew(&mut self) {
        self.emptied_before += self.inner.emptied();
        self.inner = AsWritten::new(&self.terms);
    }

    /// A lease that no reply granted.
    fn renew(&mut self, clock: &Reading) {
        let Some((continuity, horizon)) = self.last.clone() else { return };
        let question = self.inner.begin_poll(clock);
        let reply = FeedReply { continuity, horizon, delta: Delta::Changes(Vec::new()) };
        self.inner.finish_poll(&question, reply, clock, &mut |_| ());
    }

    fn keep_in_spite(&mut self, held: Arc<Held>, clock: &Reading) {
        let load = self.inner.begin_load(clock);
        self.inner.finish_load(&load, held);
    }

    /// What arrives, with a part of it not understood.
    fn misread(&self, mut reply: FeedReply) -> FeedReply {
        let FeedReply { continuity, horizon, delta } = &mut reply;
        match self.fault {
            Fault::TransactionsInProgressAreForgotten => {
                if let Horizon::Snapshot(snapshot) = horizon {
                    *snapshot = Snapshot::new(snapshot.xmax(), []);
                }
            }
            Fault::ContinuityIsIgnored => *continuity = Continuity::new("the only one"),
            Fault::GoingBackIsIgnored | Fault::LateReplyCountsForTheNextPoll => {
                if let Some((before, last)) = &self.last
                    && before == continuity
                    && !horizon.continues(last)
                {
                    *horizon = last.clone();
                }
            }
            Fault::PurgedIsNothing if *delta == Delta::Lost(Loss::Purged) => *delta = Delta::Changes(Vec::new()),
            Fault::TooManyIsNothing if *delta == Delta::Lost(Loss::TooMany) => *delta = Delta::Changes(Vec::new()),
            _ => {}
        }
        if let Delta::Changes(changes) = delta {
            changes.retain(|change| match (self.fault, change) {
                (Fault::ChangedIsIgnored, Change::Changed { .. })
                | (Fault::EveryoneIsIgnored, Change::EveryoneEnded { .. }) => false,
                (Fault::OnlyWhatIsHeldCounts, Change::Ended { digest, .. } | Change::Changed { digest, .. }) => {
                    let mut look = Look::default();
                    self.inner.look_second(digest, &mut look);
                    look.held.is_some()
                }
                _ => true,
            });
        }
        reply
    }
}

impl Protocol for Broken {
    fn begin_poll(&mut self, clock: &Reading) -> Question {
        let clock = self.clock(clock);
        if self.fault == Fault::LapsedLeaseEmpties
            && self.last.is_some()
            && clock.steady >= self.inner.replica().lease_until()
        {
            self.start_anew();
        }
        let mut question = self.inner.begin_poll(&clock);
        question.by_position = self.fault == Fault::PositionsInsteadOfSnapshots;
        question.takes_part_for_all = self.fault == Fault::TooManyIsCutShort;
        if self.fault == Fault::ReconnectSkipsAhead && self.has_failed {
            question.since = None;
        }
        if let Some(lost) = self.lost.take() {
            question.since = Some(lost);
        }
        self.latest = Some(question.clone());
        question
    }

    fn finish_poll(
        &mut self,
        question: &Question,
        reply: FeedReply,
        clock: &Reading,
        between: &mut dyn FnMut(&dyn Protocol),
    ) -> Applied {
        let clock = self.clock(clock);
        let reply = self.misread(reply);
        let Some(latest) = self.latest.clone() else { return Applied::TooLate };
        if self.fault != Fault::LateReplyCountsForTheNextPoll && latest.poll.began() != question.poll.began() {
            return Applied::TooLate;
        }
        let (continuity, horizon) = (reply.continuity.clone(), reply.horizon.clone());
        let mut question = latest;
        match self.fault {
            Fault::LeaseCountsFromTheReply => question = self.inner.begin_poll(&clock),
            Fault::LeaseIsRenewedBeforeDropping => {
                let began = Reading { steady: question.poll.began(), ..clock };
                self.renew(&began);
                between(&self.inner);
                question = self.inner.begin_poll(&began);
            }
            _ => {}
        }
        let applied = self.inner.finish_poll(&question, reply, &clock, between);
        if applied != Applied::TooLate {
            self.latest = None;
            self.has_failed = false;
            self.lost = None;
            if self.last.replace((continuity, horizon)).is_none() {
                for held in std::mem::take(&mut self.kept).into_values() {
                    self.keep_in_spite(held, &clock);
                }
            }
        }
        applied
    }

    fn poll_failed(&mut self, _question: &Question, clock: &Reading) {
        self.has_failed = true;
        match self.fault {
            Fault::FailedPollRenews => self.renew(clock),
            Fault::ReconnectEmpties => self.start_anew(),
            _ => {}
        }
    }

    fn poll_lost(&mut self, reply: &FeedReply) {
        if self.fault == Fault::LostReplyMovesTheHorizon {
            self.lost = Some(reply.horizon.clone());
        }
    }

    fn hinted(&mut self, clock: &Reading) {
        if self.fault == Fault::HintRenews {
            self.renew(clock);
        }
    }

    fn look_first(&self, digest: &TokenDigest, look: &mut Look) {
        match self.fault {
            Fault::LeaseIsReadAfterTheEntry => self.inner.look_second(digest, look),
            _ => self.inner.look_first(digest, look),
        }
    }

    fn look_second(&self, digest: &TokenDigest, look: &mut Look) {
        match self.fault {
            Fault::LeaseIsReadAfterTheEntry => self.inner.look_first(digest, look),
            _ => self.inner.look_second(digest, look),
        }
    }

    fn answer(&self, digest: &TokenDigest, look: &Look, clock: &Reading, policy: &Policy) -> Answer {
        let clock = self.clock(clock);
        if self.fault == Fault::NoIsRemembered && self.marked.contains(digest) {
            return Answer::No;
        }
        let Some(held) = &look.held else { return Answer::Ask };
        let has_lease = look.lease_until.is_some_and(|until| clock.steady < until);
        let is_usable = verdict(held.times(), clock.now, policy) == Verdict::Usable;
        match self.fault {
            Fault::HitsNeedNoLease if is_usable => Answer::Yes(Arc::clone(held)),
            Fault::HitsNeedNoVerdict if has_lease => Answer::Yes(Arc::clone(held)),
            Fault::MemorySaysNo if has_lease && !is_usable => Answer::No,
            Fault::OwnEndingCountsNoGeneration if self.marked.contains(digest) => Answer::Ask,
            _ => self.inner.answer(digest, look, &clock, policy),
        }
    }

    fn begin_load(&mut self, clock: &Reading) -> Load {
        let clock = self.clock(clock);
        self.inner.begin_load(&clock)
    }

    fn may_join(&self, load: &Load) -> bool {
        self.fault == Fault::LoadsAreAlwaysJoined || self.inner.may_join(load)
    }

    fn may_serve(&self, load: &Load, clock: &Reading) -> bool {
        self.fault == Fault::LoadsNeedNoLease || self.inner.may_serve(load, &self.clock(clock))
    }

    fn shares_no(&self) -> bool {
        self.fault == Fault::NoOfAJoinedLoadCounts
    }

    fn takes_silence_for_no(&self) -> bool {
        self.fault == Fault::SilenceIsNo
    }

    fn finish_load(&mut self, load: &Load, held: Arc<Held>) {
        match self.fault {
            Fault::RacedLoadsAreKept => {
                let now =
                    Reading { steady: Steady::from_nanos(0), awake: Steady::from_nanos(0), now: held.created_at() };
                return self.keep_in_spite(held, &now);
            }
            Fault::LoadsFromBeforeTheFirstPollAreKept if self.last.is_none() => {
                self.kept.insert(*held.digest(), held);
                return;
            }
            Fault::NothingIsKept => return,
            Fault::RestartKeepsTheCache => {
                self.kept.insert(*held.digest(), Arc::clone(&held));
            }
            Fault::OwnEndingCountsNoGeneration if self.inner.may_join(load) => {
                self.marked.remove(held.digest());
            }
            _ => {}
        }
        self.inner.finish_load(load, held);
    }

    fn found_unusable(&mut self, digest: &TokenDigest) {
        if self.fault == Fault::NoIsRemembered {
            self.marked.insert(*digest);
        }
    }

    fn forget(&mut self, digest: &TokenDigest) {
        match self.fault {
            Fault::OwnEndingIsNotForgotten => {}
            Fault::OwnEndingCountsNoGeneration => {
                self.marked.insert(*digest);
            }
            _ => self.inner.forget(digest),
        }
    }

    fn forget_where(&mut self, has_ended: &dyn Fn(&Held) -> bool) {
        if self.fault != Fault::OwnEndingIsNotForgotten {
            self.inner.forget_where(has_ended);
        }
    }

    fn everywhere(&self) -> Duration {
        match self.fault {
            Fault::EverywhereDoesNotWait => Duration::ZERO,
            Fault::EverywhereHasNoMargin => self.terms.lease,
            _ => self.inner.everywhere(),
        }
    }

    fn restart(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.retain(|digest, _| {
            let mut look = Look::default();
            self.inner.look_second(digest, &mut look);
            look.held.is_some()
        });
        *self = Self::new(self.fault, &self.terms);
        if self.fault == Fault::RestartKeepsTheCache {
            self.kept = kept;
        }
    }

    fn emptied(&self) -> u64 {
        self.emptied_before + self.inner.emptied()
    }
}
