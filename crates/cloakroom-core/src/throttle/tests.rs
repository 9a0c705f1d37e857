//! Counters, by hand and by random attempts.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::world::PredictableRandom;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_123 + ms)
}

fn name(text: &str) -> LoginName {
    LoginName::new(text).unwrap()
}

fn session(seed: u64) -> SessionId {
    SessionId::new(at(0), &PredictableRandom::from_seed(seed)).unwrap()
}

fn login(of: &str) -> Claims {
    Claims::of_login(&name(of), None, 0)
}

/// A store, as the contract wants it.
#[derive(Default)]
struct Counters(HashMap<CounterKey, Counter>);

impl Counters {
    fn take(&mut self, claims: &Claims, step: Step, at: Timestamp) -> Admission {
        let found: Vec<_> = claims.keys().map(|key| self.0.get(&key).copied()).collect();
        let (admission, taken) = claims.take(step, &found, at);
        for (key, counter) in claims.keys().zip(taken) {
            match counter {
                Some(counter) => drop(self.0.insert(key, counter)),
                None => drop(self.0.remove(&key)),
            }
        }
        admission
    }

    fn admit(&mut self, claims: &Claims, at: Timestamp) -> Admission {
        self.take(claims, Step::Admit, at)
    }

    fn settle(&mut self, claims: &Claims, settlement: Settlement, at: Timestamp) {
        assert!(matches!(self.take(claims, Step::Settle(settlement), at), Admission::Admitted | Admission::Locked));
    }

    /// Fails as often as it may; returns when it may again.
    fn fail(&mut self, claims: &Claims, times: u32, mut now: Timestamp) -> Timestamp {
        for _ in 0..times {
            if let Admission::Refused(wait) = self.admit(claims, now) {
                now = now.plus(wait);
                assert_eq!(self.admit(claims, now), Admission::Admitted);
            }
            self.settle(claims, Settlement::Failed, now);
        }
        now
    }
}

fn refused(seconds: u64) -> Admission {
    Admission::Refused(Duration::from_secs(seconds))
}

#[test]
fn five_failures_are_free_and_then_each_doubles_the_wait() {
    let (mut counters, ada) = (Counters::default(), login("ada"));
    let now = counters.fail(&ada, FREE_FAILURES, at(0));
    assert_eq!(now, at(0), "nobody had to wait");
    assert_eq!(counters.admit(&ada, now), refused(30));
    assert_eq!(
        counters.admit(&ada, now.plus(Duration::from_millis(29_999))),
        Admission::Refused(Duration::from_millis(1))
    );
    let now = counters.fail(&ada, 1, now);
    assert_eq!((now, counters.admit(&ada, now)), (at(30_000), refused(60)));
    assert_eq!(counters.admit(&login("eve"), now), Admission::Admitted, "another name is another's");
    let now = counters.fail(&ada, 20, now);
    assert_eq!(counters.admit(&ada, now), refused(3600), "never more than an hour");
}

#[test]
fn what_is_refused_is_not_counted() {
    let (mut counters, ada) = (Counters::default(), login("ada"));
    let now = counters.fail(&ada, FREE_FAILURES, at(0));
    for _ in 0..1_000 {
        assert_eq!(counters.admit(&ada, now), refused(30));
    }
    assert_eq!(counters.admit(&ada, now.plus(DELAY_FIRST)), Admission::Admitted);
}

#[test]
fn a_hundred_failures_stop_the_name_whatever_time_passes_and_no_sooner() {
    let (mut counters, ada) = (Counters::default(), login("ada"));
    let now = counters.fail(&ada, LOCK_AFTER - 1, at(0));
    let later = now.plus(DELAY_MAX);
    assert_eq!(counters.admit(&ada, later), Admission::Admitted);
    assert_eq!(counters.take(&ada, Step::Settle(Settlement::Failed), later), Admission::Locked, "told once");
    assert_eq!(counters.take(&ada, Step::Settle(Settlement::Failed), later), Admission::Admitted);
    for days in [1, 30, 4_000] {
        let much_later = later.plus(Duration::from_secs(days * 86_400));
        assert_eq!(counters.admit(&ada, much_later), refused(3600), "{days}");
    }
    let mut only = counters.0.values();
    assert!(only.next().is_some_and(Counter::is_locked) && only.next().is_none());
}

#[test]
fn a_success_forgets_the_names_failures_and_leaves_no_row() {
    let (mut counters, ada) = (Counters::default(), login("ada"));
    counters.fail(&ada, FREE_FAILURES - 1, at(0));
    assert_eq!(counters.admit(&ada, at(1)), Admission::Admitted);
    counters.settle(&ada, Settlement::Succeeded, at(1));
    assert!(counters.0.is_empty());
}

#[test]
fn fifty_at_once_are_five_and_the_others_wait_for_those() {
    let (mut counters, ada) = (Counters::default(), login("ada"));
    let said: Vec<_> = (0..50).map(|_| counters.admit(&ada, at(0))).collect();
    assert_eq!(said.iter().filter(|said| **said == Admission::Admitted).count(), 5);
    assert_eq!(said.iter().filter(|said| **said == Admission::Waits).count(), 45);
    for _ in 0..5 {
        counters.settle(&ada, Settlement::Failed, at(1));
    }
    assert_eq!(counters.admit(&ada, at(1)), refused(30), "they were wrong: the others are refused");
    let (mut counters, ada) = (Counters::default(), login("ada"));
    let mut made = 0;
    while made < 50 {
        while counters.admit(&ada, at(0)) == Admission::Admitted {
            made += 1;
        }
        counters.settle(&ada, Settlement::Succeeded, at(1));
    }
    assert!(counters.0.values().all(|counter| counter.failures == 0), "right ones do not hold each other up");
}

#[test]
fn an_attempt_that_was_never_looked_at_has_not_been() {
    let (mut counters, claims) = (Counters::default(), Claims::of_login(&name("ada"), "192.0.2.1".parse().ok(), 1));
    for _ in 0..10 {
        assert_eq!(counters.admit(&claims, at(0)), Admission::Admitted);
        counters.settle(&claims, Settlement::Unchecked, at(0));
    }
    assert!(counters.0.is_empty());
}

#[test]
fn what_is_never_settled_counts_as_failures_after_a_minute() {
    let (mut counters, ada) = (Counters::default(), login("ada"));
    for _ in 0..5 {
        assert_eq!(counters.admit(&ada, at(0)), Admission::Admitted);
    }
    assert_eq!(counters.admit(&ada, at(59_999)), Admission::Waits);
    assert_eq!(counters.admit(&ada, at(60_000)), Admission::Admitted, "30 s after the fifth one");
    counters.settle(&ada, Settlement::Failed, at(60_000));
    assert_eq!(counters.admit(&ada, at(60_000)), refused(60), "which was the sixth");
}

#[test]
fn a_network_has_a_budget_that_comes_back() {
    let from = |address: &str, who: &str| Claims::of_login(&name(who), address.parse().ok(), 3);
    let mut counters = Counters::default();
    for who in ["a", "b", "c"] {
        let attempt = from("2001:db8::1", who);
        assert_eq!(counters.admit(&attempt, at(0)), Admission::Admitted);
        counters.settle(&attempt, Settlement::Failed, at(0));
    }
    assert_eq!(counters.admit(&from("2001:db8::2", "d"), at(0)), refused(10), "the same /64");
    assert_eq!(counters.admit(&from("2001:db8:0:1::1", "d"), at(0)), Admission::Admitted, "another one");
    assert_eq!(counters.admit(&from("2001:db8::2", "e"), at(10_000)), Admission::Admitted);
    counters.settle(&from("2001:db8::2", "e"), Settlement::Succeeded, at(10_000));
    assert_eq!(counters.admit(&from("2001:db8::2", "e"), at(10_000)), Admission::Admitted, "a success costs nothing");
    let name_only = |counters: &Counters| counters.0.contains_key(&CounterKey::of_login_name(&name("f")));
    assert_eq!(counters.admit(&from("2001:db8::2", "f"), at(10_000)), refused(10));
    assert!(!name_only(&counters), "what one rule refuses is counted under none");
}

#[test]
fn a_person_who_is_signed_in_is_held_up_by_themselves_and_by_the_lock() {
    let (mut counters, ada) = (Counters::default(), login("ada"));
    let (mine, other) =
        (Claims::of_confirmation(&name("ada"), session(1)), Claims::of_confirmation(&name("ada"), session(2)));
    let now = counters.fail(&ada, 20, at(0));
    assert_eq!(counters.admit(&ada, now), refused(3600));
    let now = counters.fail(&mine, FREE_FAILURES, now);
    assert_eq!(counters.admit(&mine, now), refused(30));
    assert_eq!(counters.admit(&other, now), Admission::Admitted, "another session of theirs");
    counters.settle(&other, Settlement::Succeeded, now);
    assert_eq!(counters.admit(&ada, now), Admission::Admitted, "a proof is a proof");
    counters.settle(&ada, Settlement::Failed, now);
    let now = counters.fail(&mine, LOCK_AFTER - 1, now);
    assert_eq!(
        counters.admit(&mine, now.plus(DELAY_MAX)),
        refused(3600),
        "all failures of a name count towards the lock"
    );
    assert_eq!(counters.admit(&ada, now.plus(DELAY_MAX)), refused(3600));
}

#[test]
fn keys_say_nothing_and_do_not_meet() {
    let keys = [
        CounterKey::of_login_name(&name("192.0.2.1/32")),
        CounterKey::of_network("192.0.2.1".parse().unwrap()),
        CounterKey::of_session(session(1)),
        CounterKey::of_login_name(&name("ada")),
    ];
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(key));
    }
    assert_eq!(CounterKey::of_login_name(&name(" ADA ")), keys[3]);
    let mapped = CounterKey::of_network("::ffff:192.0.2.1".parse().unwrap());
    assert_eq!(mapped, keys[1]);
}

proptest! {
    /// However attempts come: never are more wrong ones made in a time than the delays allow, and no time is negative.
    #[test]
    fn no_schedule_of_wrong_guesses_beats_the_delays(steps in prop::collection::vec((0..3_u8, 0..120_000_i64), 1..200)) {
        let (mut counters, ada) = (Counters::default(), login("ada"));
        let (mut now, mut under_way, mut made) = (at(0), Vec::new(), 0_u32);
        for (what, pause) in steps {
            now = now.plus(Duration::from_millis(pause.unsigned_abs()));
            match what {
                0 | 1 => if counters.admit(&ada, now) == Admission::Admitted {
                    made += 1;
                    under_way.push(now);
                },
                _ => if under_way.pop().is_some() {
                    counters.settle(&ada, Settlement::Failed, now);
                },
            }
            let mut earliest = Duration::ZERO;
            for failures in 0..made {
                earliest += delay(failures);
            }
            prop_assert!(now.since(at(0)) >= earliest, "{made} attempts in {:?}", now.since(at(0)));
        }
    }
}
