//! One schedule: the queue of what is due, the instances, and who does what when it is.
//!
//! Requests, polls, endings and faults have files of their own below; here is only what they share.

mod endings;
mod faults;
mod polls;
mod requests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::chance::Chance;
use super::clock::{Clocks, DRIFT_MAX, Reading};
use super::coverage::Coverage;
use super::database::{Database, Flavour, Row, Token};
use super::judge::{Broken, Case, Judge, ms};
use super::protocol::{Look, Protocol, Question};
use super::{Make, Violation};
use crate::coherence::{FeedReply, Horizon, LeaseTerms, Load};
use crate::policy::Policy;
use crate::session::Subject;
use crate::time::Timestamp;

/// The day on which every schedule begins.
const DAY: i64 = 1_790_000_000_000;

/// What is due. The first number is the instance, the second its start.
#[derive(Debug)]
enum Event {
    Arrival(usize),
    Step(Request),
    PollDue(usize, u32),
    PollAsked(usize, u32, u64, Question),
    PollAnswered(usize, u32, u64, Question, Box<Told>),
    PollFailed(usize, u32, u64, Question),
    Hint(usize),
    LoadAsked(usize, u32, u64),
    LoadAnswered(usize, u32, u64, Found),
    LoadGivenUp(usize, u32, u64),
    Write(endings::Plan),
    Commit(endings::Plan),
    Ended(usize, u32, endings::Done),
    Everywhere(usize, u32, Vec<Token>, u64),
    Sweep(usize, u32),
    TouchAsked(usize, u32, Vec<(Token, Timestamp)>),
    TouchAnswered(usize, u32, Vec<Token>),
    Deed,
    Fault,
    Calm,
    WarmUp,
    Check,
}

/// A reply to a poll, and how many times the database had lost something when it was made.
#[derive(Clone, Debug)]
struct Told {
    reply: FeedReply,
    losses: u64,
}

/// What a load found: an answer, or none.
type Found = Result<Option<Row>, NoAnswer>;

#[derive(Clone, Copy, Debug)]
struct NoAnswer;

/// A request on its way.
#[derive(Clone, Debug)]
struct Request {
    instance: usize,
    start: u32,
    token: Token,
    began: u64,
    stage: Stage,
    look: Look,
    /// Loads it has waited for in vain.
    tries: u32,
    /// It has to be served from memory.
    is_check: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    LookFirst,
    LookSecond,
    Answer,
    Loaded { load: Load, found: Found, has_joined: bool },
}

#[derive(Debug)]
struct Loading {
    load: Load,
    token: Token,
    /// Each with whether it came when the load had begun.
    waiting: Vec<(Request, bool)>,
}

#[derive(Debug)]
struct Instance {
    protocol: Box<dyn Protocol>,
    clocks: Clocks,
    /// Which start this is: what an earlier one waited for is gone.
    start: u32,
    paused_until: u64,
    cut_until: u64,
    /// The poll under way and when it began.
    polling: Option<(u64, u64)>,
    loads: BTreeMap<u64, Loading>,
    joinable: BTreeMap<Token, u64>,
    touches: BTreeMap<Token, Timestamp>,
    /// Served from memory lately.
    warm: VecDeque<Token>,
    horizon: Option<Horizon>,
    /// Of the last reply that was applied.
    history: Option<(String, u64)>,
    /// How often it had reason to drop everything.
    breaks: u64,
}

/// A schedule while it runs.
#[derive(Debug)]
pub(super) struct World {
    seed: u64,
    chance: Chance,
    now: u64,
    queue: BinaryHeap<Reverse<Due>>,
    count: u64,
    terms: LeaseTerms,
    lease: u64,
    poll_every: u64,
    policy: Policy,
    /// Whether messages are often late.
    is_slow: bool,
    fault_every: u64,
    /// Whether faults are over.
    is_calm: bool,
    database: Database,
    losses: u64,
    /// Instances that have not yet seen a rewind, during which nobody writes.
    unaware: Vec<usize>,
    instances: Vec<Instance>,
    judge: Judge,
    subjects: [Subject; 4],
    /// Tokens that somebody has.
    known: Vec<Token>,
    tokens: Token,
    /// How many lines of the schedule are kept.
    shows: Option<usize>,
    lines: Option<VecDeque<String>>,
    pub(super) coverage: Coverage,
}

#[derive(Debug)]
struct Due(u64, u64, Event);

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// Notes a line of the schedule, where somebody is going to read it.
macro_rules! note {
    ($world:ident, $($what:tt)+) => {
        if $world.lines.is_some() {
            $world.line(&format!($($what)+));
        }
    };
}
use note;

impl World {
    /// A world of which everything but the protocol follows from `seed`.
    pub(super) fn new(seed: u64, make: Make<'_>, shows: Option<usize>) -> Option<Self> {
        let chance = Chance::of(seed);
        let lease = std::time::Duration::from_millis(chance.pick(&[100, 1_000, 1_000, 60_000]));
        let terms = LeaseTerms { lease, poll: lease / [2, 4, 5, 5][chance.index(4)], capacity: 128 };
        let nanos = |span: std::time::Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let flavour = if chance.per_mille(600) { Flavour::Snapshots } else { Flavour::Positions };
        let subject = |name: &str| Subject::new(name).ok();
        let mut world = Self {
            seed,
            now: 0,
            queue: BinaryHeap::new(),
            count: 0,
            lease: nanos(lease),
            poll_every: nanos(terms.poll),
            terms,
            policy: Policy::default(),
            is_slow: chance.per_mille(400),
            fault_every: nanos(lease) / chance.pick(&[5, 4, 2, 1]),
            is_calm: false,
            database: Database::new(flavour, 3 + chance.index(12)),
            losses: 0,
            unaware: Vec::new(),
            instances: Vec::new(),
            judge: Judge::default(),
            subjects: [subject("ada")?, subject("eve")?, subject("kim")?, subject("leo")?],
            known: Vec::new(),
            tokens: 0,
            lines: shows.map(|_| VecDeque::new()),
            shows,
            coverage: Coverage { schedules: 1, ..Coverage::default() },
            chance,
        };
        world.populate(make);
        Some(world)
    }

    fn populate(&mut self, make: Make<'_>) {
        for instance in 0..3 {
            let drift = self.chance.pick(&[-DRIFT_MAX, DRIFT_MAX, 0, DRIFT_MAX / 3]);
            let off = i64::try_from(self.chance.below(40)).unwrap_or(0) - 20;
            let clocks = Clocks { drift, start: 1 + self.chance.below(1 << 40), day: DAY + off, suspended: 0 };
            self.instances.push(Instance {
                protocol: make(&self.terms),
                clocks,
                start: 0,
                paused_until: 0,
                cut_until: 0,
                polling: None,
                loads: BTreeMap::new(),
                joinable: BTreeMap::new(),
                touches: BTreeMap::new(),
                warm: VecDeque::new(),
                horizon: None,
                history: None,
                breaks: 0,
            });
            self.after(self.chance.below(self.poll_every), Event::PollDue(instance, 0));
            self.after(self.chance.below(self.poll_every), Event::Arrival(instance));
            self.after(self.lease / 2, Event::Sweep(instance, 0));
        }
        for _ in 0..8 {
            self.log_in_at_once();
        }
        self.after(self.lease / 4, Event::Deed);
        self.after(self.lease / 2, Event::Fault);
        self.after(self.lease * 10, Event::Calm);
    }

    /// Runs until everything due has happened, or something is broken.
    pub(super) fn run(&mut self) -> Result<(), Box<Violation>> {
        while let Some(Reverse(Due(at, _, event))) = self.queue.pop() {
            self.now = at;
            if let Err((rule, what)) = self.happen(event) {
                note!(self, "BROKEN: {rule}: {what}");
                let lines = self.lines.take().unwrap_or_default().into();
                return Err(Box::new(Violation { seed: self.seed, rule, what, lines }));
            }
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Broken> {
        if let Some((instance, start)) = event.place() {
            let there = &self.instances[instance];
            if start.is_some_and(|start| start != there.start) {
                return Ok(()); // the process that waited for it is gone
            }
            if self.now < there.paused_until {
                let until = there.paused_until + self.chance.below(self.lease / 500);
                self.at(until, event);
                return Ok(());
            }
        }
        match event {
            Event::Arrival(instance) => return self.arrive(instance),
            Event::Step(request) => return self.step(request),
            Event::PollAnswered(instance, _, number, question, told) => {
                return self.poll_answered(instance, number, &question, *told);
            }
            Event::LoadAnswered(instance, _, load, found) => return self.load_answered(instance, load, &found),
            Event::LoadGivenUp(instance, _, load) => return self.load_given_up(instance, load),
            Event::WarmUp => return self.check(false),
            Event::Check => {
                self.queue.clear();
                return self.check(true);
            }
            Event::PollDue(instance, start) => self.poll_due(instance, start),
            Event::PollAsked(instance, start, number, question) => self.poll_asked(instance, start, number, question),
            Event::PollFailed(instance, _, number, question) => self.poll_failed(instance, number, &question),
            Event::Hint(instance) => self.hint(instance),
            Event::LoadAsked(instance, start, load) => self.load_asked(instance, start, load),
            Event::Write(plan) => self.write(plan),
            Event::Commit(plan) => self.commit(plan),
            Event::Ended(instance, start, done) => self.ended(instance, start, done),
            Event::Everywhere(instance, _, tokens, committed) => self.everywhere(instance, &tokens, committed),
            Event::Sweep(instance, start) => self.sweep(instance, start),
            Event::TouchAsked(instance, start, touches) => self.touch_asked(instance, start, &touches),
            Event::TouchAnswered(instance, _, gone) => self.touch_answered(instance, &gone),
            Event::Deed => self.deed(),
            Event::Fault => self.fault(),
            Event::Calm => self.calm(),
        }
        Ok(())
    }

    fn at(&mut self, at: u64, event: Event) {
        self.count += 1;
        self.queue.push(Reverse(Due(at, self.count, event)));
    }

    fn after(&mut self, span: u64, event: Event) {
        self.at(self.now + span, event);
    }

    /// How long a message takes: mostly little, sometimes more than a lease.
    fn delay(&self) -> u64 {
        let usual = self.lease / 400;
        if self.is_calm || self.chance.per_mille(if self.is_slow { 880 } else { 960 }) {
            return self.chance.falling(usual);
        }
        if self.chance.per_mille(700) {
            self.chance.below(self.lease / 2)
        } else {
            self.chance.below(self.lease * 5 / 2)
        }
    }

    fn read(&self, instance: usize) -> Reading {
        self.instances[instance].clocks.read(self.now)
    }

    fn case(&self, instance: usize, token: Token, began: u64) -> Case {
        let clocks = &self.instances[instance].clocks;
        let (day, lease) = (clocks.read(self.now).now, clocks.undrifted(self.lease));
        Case { instance, token, began, now: self.now, day, lease }
    }

    /// Whether a message from an instance reaches the database now.
    fn is_reached(&self, instance: usize) -> bool {
        self.now >= self.instances[instance].cut_until && self.now >= self.database.down_until
    }

    fn line(&mut self, what: &str) {
        let line = format!("{:>14}  {what}", ms(self.now));
        if let Some(lines) = &mut self.lines {
            if Some(lines.len()) == self.shows {
                lines.pop_front();
            }
            lines.push_back(line);
        }
    }

    /// What is shown of a schedule that broke nothing.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default().into()
    }
}

impl Event {
    /// The instance it happens on, which has to be running, and the start it is meant for.
    const fn place(&self) -> Option<(usize, Option<u32>)> {
        match self {
            Self::Arrival(instance) | Self::Hint(instance) => Some((*instance, None)),
            Self::Step(request) => Some((request.instance, Some(request.start))),
            Self::PollDue(instance, start)
            | Self::PollAnswered(instance, start, ..)
            | Self::PollFailed(instance, start, ..)
            | Self::LoadAnswered(instance, start, ..)
            | Self::LoadGivenUp(instance, start, ..)
            | Self::Ended(instance, start, ..)
            | Self::Everywhere(instance, start, ..)
            | Self::Sweep(instance, start)
            | Self::TouchAnswered(instance, start, ..) => Some((*instance, Some(*start))),
            _ => None,
        }
    }
}
