//! A small world in which everything that can happen does: every order of the steps of two polls, a load, a hit, one
//! ending and a few ticks of the clock, over the real state machine.
//!
//! The simulator draws; this enumerates. Orders that lead to the same state are followed once.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::coherence::simulator::{Answer, Look, Make, Protocol, Question, Reading};
use cloakroom_core::coherence::{Applied, Change, Continuity, Delta, FeedReply, Held, Horizon, LeaseTerms, Load};
use cloakroom_core::ending::EndReason;
use cloakroom_core::policy::Policy;
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::time::{Steady, Timestamp};
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::PredictableRandom;

const TICK: Duration = Duration::from_secs(1);
/// The lease in ticks. A finer clock is ten times as many states, for which there is time in a release build.
const LEASE: u32 = if cfg!(debug_assertions) { 1 } else { 2 };
const TICKS: u8 = if cfg!(debug_assertions) { 2 } else { 3 };
/// Who takes steps, and how many each has: the clock, the ending, two polls, a load, a hit.
const STEPS: [u8; 6] = [TICKS, 1, 3, 3, 4, 3];
const DIGEST: TokenDigest = TokenDigest::from_bytes([7; 32]);

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    /// Different states.
    pub(crate) states: usize,
    /// Steps taken from them.
    pub(crate) steps: usize,
    /// States in which nothing can be served any more.
    pub(crate) ends: usize,
    /// The shortest way to something served too late.
    pub(crate) violation: Option<Vec<String>>,
}

/// Tries everything, with the session held at the beginning or not.
pub(crate) fn explore(make: Make<'_>, is_held: bool) -> Explored {
    let Some(held) = held() else { return Explored::default() };
    let mut explored = Explored::default();
    let mut seen = HashSet::new();
    let mut paths = VecDeque::from([Vec::new()]);
    while let Some(path) = paths.pop_front() {
        for (who, steps) in STEPS.iter().enumerate() {
            let mut small = Small::new(make, &held, is_held);
            for who in &path {
                let _nothing_wrong = small.step(*who);
            }
            // The second poll gives the first up, not the other way.
            if small.taken[who] == *steps || (who == 3 && small.taken[2] == 0) {
                continue;
            }
            explored.steps += 1;
            let longer: Vec<usize> = path.iter().copied().chain([who]).collect();
            if let Err(what) = small.step(who) {
                explored.violation = Some(tell(&longer, what));
                return explored;
            }
            if seen.insert(small.state()) {
                explored.states += 1;
                if small.is_over() {
                    explored.ends += 1;
                } else {
                    paths.push_back(longer);
                }
            }
        }
    }
    explored
}

fn tell(path: &[usize], what: String) -> Vec<String> {
    let names: [&[&str]; STEPS.len()] = [
        &["a tick"; 3],
        &["the session ends"],
        &["poll 1 begins", "poll 1 at the database", "poll 1 is answered"],
        &["poll 2 begins", "poll 2 at the database", "poll 2 is answered"],
        &["the load begins", "the load at the database", "its record is kept", "it is served"],
        &["the hit looks first", "the hit looks second", "the hit reads the clock"],
    ];
    let mut taken = [0; STEPS.len()];
    let line = |who: &usize| {
        taken[*who] += 1;
        names[*who][taken[*who] - 1].to_owned()
    };
    path.iter().map(line).chain([what]).collect()
}

/// The small world: one session, which is held at the beginning.
struct Small {
    protocol: Box<dyn Protocol>,
    policy: Policy,
    taken: [u8; STEPS.len()],
    session: Arc<Held>,
    ended: Option<u32>,
    has_seen: bool,
    polls: [Option<Question>; 2],
    replies: [Option<FeedReply>; 2],
    load: Option<Load>,
    found: Option<Arc<Held>>,
    look: Look,
}

/// See [`Small::state`].
#[derive(PartialEq, Eq, Hash)]
struct State {
    taken: [u8; STEPS.len()],
    ended: Option<u32>,
    has_seen: bool,
    /// What is left of the lease it may grant, whether it asks for the ending, and whether its reply sees it.
    polls: [Option<(u64, bool, Option<bool>)>; 2],
    /// What is left of its lease, whether its generation is the present one, and whether it found the session.
    load: Option<(usize, bool, bool)>,
    memory: (Option<u64>, bool),
    hit: Option<(Option<u64>, bool)>,
}

impl Small {
    fn new(make: Make<'_>, held: &Arc<Held>, is_held: bool) -> Self {
        let lease = TICK * LEASE;
        let mut small = Self {
            protocol: make(&LeaseTerms { lease, poll: lease / 2, capacity: 8 }),
            policy: Policy::default(),
            taken: [0; STEPS.len()],
            session: Arc::clone(held),
            ended: None,
            has_seen: false,
            polls: [None, None],
            replies: [None, None],
            load: None,
            found: None,
            look: Look::default(),
        };
        let clock = small.clock();
        let question = small.protocol.begin_poll(&clock);
        let reply = small.reply(&question);
        small.protocol.finish_poll(&question, reply, &clock, &mut |_| ());
        if is_held {
            let load = small.protocol.begin_load(&clock);
            small.protocol.finish_load(&load, Arc::clone(held));
        }
        small
    }

    /// Whether nothing can be served any more.
    fn is_over(&self) -> bool {
        self.taken[4..] == STEPS[4..]
    }

    fn time(&self) -> u32 {
        self.taken[0].into()
    }

    fn clock(&self) -> Reading {
        self.clock_in(0)
    }

    fn clock_in(&self, ticks: u32) -> Reading {
        let steady = Steady::from_nanos(0).plus(TICK * (10 + self.time() + ticks));
        Reading { steady, awake: steady, now: Timestamp::from_millis(0) }
    }

    fn reply(&self, question: &Question) -> FeedReply {
        let position = i64::from(self.ended.is_some());
        let is_new = matches!(question.since, Some(Horizon::Position(seen)) if seen < position);
        let at = Timestamp::from_millis(0);
        let change = Change::Ended { digest: DIGEST, session: self.session.id(), reason: EndReason::Logout, at };
        let delta = Delta::Changes(if is_new { vec![change] } else { vec![] });
        FeedReply { continuity: Continuity::new("one"), horizon: Horizon::Position(position), delta }
    }

    /// What makes a difference for what may come: ages and what is left of leases, not when things were.
    fn state(&self) -> State {
        let left = |until: Steady| until.since(self.clock().steady).as_secs();
        let is_under_way = |who: usize| (1..STEPS[who]).contains(&self.taken[who]);
        let poll = |at: usize| {
            let question = self.polls[at].as_ref().filter(|_| is_under_way(at + 2))?;
            let is_new = question.since == Some(Horizon::Position(0));
            let reply = self.replies[at].as_ref().map(|reply| reply.horizon == Horizon::Position(1));
            Some((left(question.poll.began().plus(TICK * LEASE)), is_new, reply))
        };
        let load = self.load.as_ref().filter(|_| is_under_way(4)).map(|load| {
            let later = |ticks: u32| self.protocol.may_serve(load, &self.clock_in(ticks));
            let left = (0..LEASE).filter(|ticks| later(*ticks)).count();
            (left, self.protocol.may_join(load), self.found.is_some())
        });
        let mut look = Look::default();
        self.protocol.look_first(&DIGEST, &mut look);
        self.protocol.look_second(&DIGEST, &mut look);
        let shown = |look: &Look| (look.lease_until.map(left), look.held.is_some());
        State {
            taken: self.taken,
            ended: self.ended.map(|ended| (self.time() - ended).min(LEASE)),
            has_seen: self.has_seen,
            polls: [poll(0), poll(1)],
            load,
            memory: shown(&look),
            hit: is_under_way(5).then(|| shown(&self.look)),
        }
    }

    fn step(&mut self, who: usize) -> Result<(), String> {
        let clock = self.clock();
        let step = self.taken[who];
        self.taken[who] += 1;
        match (who, step) {
            (1, _) => self.ended = Some(self.time()),
            (2 | 3, 0) => self.polls[who - 2] = Some(self.protocol.begin_poll(&clock)),
            (2 | 3, 1) => self.replies[who - 2] = self.polls[who - 2].as_ref().map(|question| self.reply(question)),
            (2 | 3, _) => {
                if let (Some(question), Some(reply)) = (&self.polls[who - 2], self.replies[who - 2].clone()) {
                    let sees = reply.horizon == Horizon::Position(1);
                    if self.protocol.finish_poll(question, reply, &clock, &mut |_| ()) != Applied::TooLate {
                        self.has_seen = sees;
                    }
                }
            }
            (4, 0) => self.load = Some(self.protocol.begin_load(&clock)),
            (4, 1) => self.found = self.ended.is_none().then(|| Arc::clone(&self.session)),
            (4, step) => {
                if let (Some(load), Some(found)) = (self.load, self.found.clone()) {
                    if step == 2 {
                        self.protocol.finish_load(&load, found);
                    } else if self.protocol.may_serve(&load, &clock) {
                        return self.served("by the load");
                    }
                }
            }
            (5, 0) => self.protocol.look_first(&DIGEST, &mut self.look),
            (5, 1) => self.protocol.look_second(&DIGEST, &mut self.look),
            (5, _) => {
                if let Answer::Yes(_) = self.protocol.answer(&DIGEST, &self.look, &clock, &self.policy) {
                    return self.served("from memory");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn served(&self, how: &str) -> Result<(), String> {
        match self.ended {
            Some(ended) if self.time() >= ended + LEASE => {
                Err(format!("served {how} at tick {}, ended at {ended}, the lease is {LEASE}", self.time()))
            }
            _ => Ok(()),
        }
    }
}

fn held() -> Option<Arc<Held>> {
    let at = Timestamp::from_millis(0);
    let record = SessionRecord {
        id: SessionId::new(at, &PredictableRandom::from_seed(1)).ok()?,
        subject: Subject::new("ada").ok()?,
        created_at: at,
        authenticated_at: at,
        last_seen_at: at,
        idle_timeout: None,
        absolute_expires_at: at.plus(Duration::from_hours(1)),
        auth_method: AuthMethod::password(),
        client: ClientFacts::default(),
    };
    Some(Arc::new(Held::of(DIGEST, &record)))
}
