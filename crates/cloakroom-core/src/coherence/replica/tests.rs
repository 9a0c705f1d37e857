//! The protocol step by step. Whole schedules are the simulator's.

use super::*;
use crate::ending::EndReason;
use crate::session::SessionRecord;
use crate::time::Timestamp;
use crate::world::ManualClock;

const LEASE: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn digest(byte: u8) -> TokenDigest {
    TokenDigest::from_bytes([byte; 32])
}

fn held(byte: u8) -> Arc<Held> {
    let absolute_expires_at = Timestamp::from_millis(1_000_000);
    let record = SessionRecord { absolute_expires_at, ..SessionRecord::example() };
    Arc::new(Held::of(digest(byte), &record))
}

fn ended(byte: u8) -> Change {
    let at = Timestamp::from_millis(5);
    Change::Ended { digest: digest(byte), session: held(byte).id(), reason: EndReason::Logout, at }
}

/// A replica, its clock, and the position of a feed.
struct World {
    replica: Replica,
    clock: ManualClock,
    position: i64,
}

impl World {
    /// After the first poll, with session 1 held.
    fn new() -> Self {
        let replica = Replica::new(&LeaseTerms::default());
        let mut world = Self { replica, clock: ManualClock::at(Timestamp::from_millis(0)), position: 0 };
        world.poll(vec![]);
        world.load(1);
        world
    }

    fn reply(&self, changes: Vec<Change>) -> FeedReply {
        let continuity = Continuity::new("one");
        FeedReply { continuity, horizon: Horizon::Position(self.position), delta: Delta::Changes(changes) }
    }

    fn poll(&mut self, changes: Vec<Change>) -> Applied {
        self.position += i64::try_from(changes.len()).unwrap();
        let poll = self.replica.begin_poll(self.clock.steady());
        self.replica.finish_poll(&poll, self.reply(changes))
    }

    fn load(&self, byte: u8) {
        let load = self.replica.begin_load(self.clock.steady());
        self.replica.finish_load(&load, held(byte));
    }

    fn is_held(&self, byte: u8) -> bool {
        self.replica.find(&digest(byte), &self.clock).is_some()
    }
}

#[test]
fn a_lease_counts_from_the_beginning_of_its_poll() {
    let world = World::new();
    let poll = world.replica.begin_poll(world.clock.steady());
    world.clock.advance(ms(900)); // the reply is slow
    world.replica.finish_poll(&poll, world.reply(vec![]));
    world.clock.advance(ms(99));
    assert!(world.is_held(1), "at 999 ms");
    world.clock.advance(ms(1));
    assert!(!world.is_held(1), "at 1,000 ms");
}

#[test]
fn a_reply_that_comes_too_late_grants_nothing_and_the_entry_waits_for_the_next() {
    let mut world = World::new();
    let poll = world.replica.begin_poll(world.clock.steady());
    world.clock.advance(LEASE);
    assert!(matches!(world.replica.finish_poll(&poll, world.reply(vec![])), Applied::Renewed { .. }));
    assert!(!world.is_held(1));
    world.poll(vec![]);
    assert!(world.is_held(1), "a lapsed lease drops nothing");
}

#[test]
fn before_the_first_poll_nothing_is_held() {
    let replica = Replica::new(&LeaseTerms::default());
    let clock = ManualClock::at(Timestamp::from_millis(0));
    let load = replica.begin_load(clock.steady());
    replica.finish_load(&load, held(1));
    assert_eq!(replica.counts().held, 0);
    let load = replica.begin_load(clock.steady());
    let poll = replica.begin_poll(clock.steady());
    let reply =
        FeedReply { continuity: Continuity::new("one"), horizon: Horizon::Position(7), delta: Delta::Changes(vec![]) };
    let applied = replica.finish_poll(&poll, reply);
    assert_eq!(applied, Applied::Renewed { emptied: Some(Emptied::FirstPoll), changes: vec![] });
    replica.finish_load(&load, held(1)); // what happened before the first poll, no later one names
    assert_eq!(replica.counts().held, 0);
}

#[test]
fn what_a_reply_names_is_dropped_and_nothing_else() {
    let mut world = World::new();
    world.load(2);
    let applied = world.poll(vec![ended(1)]);
    assert_eq!(applied, Applied::Renewed { emptied: None, changes: vec![ended(1)] });
    assert!(!world.is_held(1) && world.is_held(2));
    let changed = Change::Changed { digest: digest(2), session: held(2).id() };
    world.poll(vec![changed]);
    assert!(!world.is_held(2));
}

#[test]
fn the_end_of_everyone_names_nobody_and_drops_all() {
    let mut world = World::new();
    let at = Timestamp::from_millis(1);
    world.poll(vec![Change::EveryoneEnded { reason: EndReason::ByHand, at }]);
    assert!(!world.is_held(1));
}

#[test]
fn a_load_that_raced_with_a_change_is_not_held() {
    let mut world = World::new();
    let load = world.replica.begin_load(world.clock.steady());
    world.poll(vec![ended(2)]);
    world.replica.finish_load(&load, held(2));
    assert!(!world.is_held(2));
    let load = world.replica.begin_load(world.clock.steady());
    world.poll(vec![]); // nothing was taken away
    world.replica.finish_load(&load, held(2));
    assert!(world.is_held(2));
}

#[test]
fn an_own_ending_counts_at_once_and_for_loads_under_way() {
    let world = World::new();
    let load = world.replica.begin_load(world.clock.steady());
    world.replica.forget(&digest(1));
    assert!(!world.is_held(1));
    world.replica.finish_load(&load, held(1));
    assert!(!world.is_held(1));
}

#[test]
fn own_endings_whose_tokens_are_not_known_count_too() {
    let mut world = World::new();
    world.load(2);
    let load = world.replica.begin_load(world.clock.steady());
    world.replica.forget_where(|held| held.digest() == &digest(1));
    assert!(!world.is_held(1) && world.is_held(2));
    assert_eq!(world.replica.counts().held, 1);
    world.replica.finish_load(&load, held(1));
    assert!(!world.is_held(1));
    world.poll(vec![]);
    world.load(1);
    assert!(world.is_held(1));
}

#[test]
fn nobody_joins_a_load_from_before_an_ending() {
    let mut world = World::new();
    let load = world.replica.begin_load(world.clock.steady());
    world.poll(vec![]);
    assert!(world.replica.may_join(&load));
    world.replica.forget(&digest(9));
    assert!(!world.replica.may_join(&load));
    let load = world.replica.begin_load(world.clock.steady());
    world.poll(vec![ended(9)]);
    assert!(!world.replica.may_join(&load));
}

#[test]
fn a_load_is_a_lease_of_its_own() {
    let world = World::new();
    let load = world.replica.begin_load(world.clock.steady());
    assert_eq!(world.replica.load_until(&load), world.clock.steady().plus(LEASE));
}

#[test]
fn a_break_in_continuity_drops_all() {
    type Break = fn(&mut FeedReply);
    let breaks: [(&str, Break, Emptied); 4] = [
        ("another server", |reply| reply.continuity = Continuity::new("two"), Emptied::Discontinuity),
        ("an older state", |reply| reply.horizon = Horizon::Position(-1), Emptied::WentBack),
        ("purged", |reply| reply.delta = Delta::Lost(Loss::Purged), Emptied::Lost(Loss::Purged)),
        ("too many", |reply| reply.delta = Delta::Lost(Loss::TooMany), Emptied::Lost(Loss::TooMany)),
    ];
    for (what, break_it, why) in breaks {
        let mut world = World::new();
        let load = world.replica.begin_load(world.clock.steady());
        let poll = world.replica.begin_poll(world.clock.steady());
        let mut reply = world.reply(vec![]);
        break_it(&mut reply);
        let applied = world.replica.finish_poll(&poll, reply);
        assert_eq!(applied, Applied::Renewed { emptied: Some(why), changes: vec![] }, "{what}");
        world.replica.finish_load(&load, held(2));
        assert!(!world.is_held(1) && !world.is_held(2), "{what}");
        world.poll(vec![]);
        world.load(1);
        assert!(world.is_held(1), "{what}: and it goes on");
    }
}

#[test]
fn a_poll_given_up_is_not_answered_and_a_reply_counts_once() {
    let world = World::new();
    let lost = world.replica.begin_poll(world.clock.steady());
    let latest = world.replica.begin_poll(world.clock.steady());
    assert_eq!(latest.since(), Some(&Horizon::Position(0)), "what the lost one asked is asked again");
    assert_eq!(world.replica.finish_poll(&lost, world.reply(vec![])), Applied::TooLate);
    assert!(matches!(world.replica.finish_poll(&latest, world.reply(vec![])), Applied::Renewed { .. }));
    assert_eq!(world.replica.finish_poll(&latest, world.reply(vec![])), Applied::TooLate);
}

#[test]
fn counts_tell_what_happened() {
    let world = World::new();
    assert!(world.is_held(1) && !world.is_held(2));
    let counts = world.replica.counts();
    assert_eq!(counts, ReplicaCounts { hits: 1, polls: 1, emptied: 1, held: 1 });
}
