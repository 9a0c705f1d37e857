//! Clauses about what is counted of attempts to log in. The rules are [`Claims::take`]'s; a store keeps what it returns, and lets
//! nobody in between.

use std::time::Duration;

use super::trial::{Kept, NO_CAP, Trial, at, holds, join_all, login_name, same};
use crate::throttle::{Admission, COUNTER_RETENTION, Claims, CounterKey, FREE_FAILURES, LOCK_AFTER, Settlement, Step};
use crate::time::Timestamp;

const FAILED: Step = Step::Settle(Settlement::Failed);
const SUCCEEDED: Step = Step::Settle(Settlement::Succeeded);

/// A login of `name` from 192.0.2.`host`, whose network may fail three times.
fn login(name: &str, host: u8) -> Claims {
    Claims::of_login(&login_name(name), Some([192, 0, 2, host].into()), 3)
}

fn named(name: &str) -> Claims {
    Claims::of_login(&login_name(name), None, 0)
}

fn key(name: &str) -> CounterKey {
    CounterKey::of_login_name(&login_name(name))
}

fn refused(ms: u64) -> Admission {
    Admission::Refused(Duration::from_millis(ms))
}

impl Trial<'_> {
    async fn count(&self, claims: &Claims, step: Step, when: Timestamp) -> Kept<Admission> {
        Ok(self.accounts.count(claims.clone(), step, when).await?)
    }

    /// Fails so often, each time as soon as it may; returns when that was.
    async fn fail(&self, claims: &Claims, times: u32, mut when: Timestamp) -> Kept<Timestamp> {
        for _ in 0..times {
            if let Admission::Refused(wait) = self.count(claims, Step::Admit, when).await? {
                when = when.plus(wait);
                same("after the wait it is", &self.count(claims, Step::Admit, when).await?, &Admission::Admitted)?;
            }
            let settled = self.count(claims, FAILED, when).await?;
            holds("settling refuses nothing", matches!(settled, Admission::Admitted | Admission::Locked), settled)?;
        }
        Ok(when)
    }
}

pub(super) async fn failures_are_remembered_to_the_millisecond(trial: &Trial<'_>) -> Kept {
    let ada = named("ada");
    let last = trial.fail(&ada, FREE_FAILURES, at(0)).await?;
    same("five cost no time", &last, &at(0))?;
    same("the sixth waits", &trial.count(&ada, Step::Admit, at(1)).await?, &refused(29_999))?;
    same("to the end", &trial.count(&ada, Step::Admit, at(29_999)).await?, &refused(1))?;
    same("and no longer", &trial.count(&ada, Step::Admit, at(30_000)).await?, &Admission::Admitted)?;
    same("while it is under way", &trial.count(&ada, Step::Admit, at(30_001)).await?, &Admission::Waits)?;
    same("another name is", &trial.count(&named("eve"), Step::Admit, at(30_001)).await?, &Admission::Admitted)
}

pub(super) async fn a_success_forgets_the_failures_of_its_name_alone(trial: &Trial<'_>) -> Kept {
    let (ada, eve) = (named("ada"), named("eve"));
    trial.fail(&ada, FREE_FAILURES - 1, at(0)).await?;
    trial.fail(&eve, FREE_FAILURES, at(0)).await?;
    same("the fifth may be right", &trial.count(&ada, Step::Admit, at(5)).await?, &Admission::Admitted)?;
    same("and is", &trial.count(&ada, SUCCEEDED, at(6)).await?, &Admission::Admitted)?;
    same("no row is left", &trial.accounts.forget_counter(key("ada")).await?, &false)?;
    same("another's is", &trial.count(&eve, Step::Admit, at(7)).await?, &refused(29_993))
}

pub(super) async fn what_one_rule_refuses_is_counted_under_none(trial: &Trial<'_>) -> Kept {
    for name in ["a", "b", "c"] {
        trial.fail(&login(name, 1), 1, at(0)).await?;
    }
    for _ in 0..20 {
        same("the network is", &trial.count(&login("ada", 1), Step::Admit, at(0)).await?, &refused(10_000))?;
    }
    same("nothing of it is counted", &trial.accounts.forget_counter(key("ada")).await?, &false)?;
    same("elsewhere the name is", &trial.count(&login("ada", 2), Step::Admit, at(0)).await?, &Admission::Admitted)
}

pub(super) async fn of_concurrent_attempts_five_are_made_at_once(trial: &Trial<'_>) -> Kept {
    for (round, name) in ["ada", "eve", "kim"].into_iter().enumerate() {
        let ada = named(name);
        let attempts = (0..24).map(|_| trial.accounts.count(ada.clone(), Step::Admit, at(0)));
        let mut admitted = 0;
        for admission in join_all(attempts.collect()).await {
            match admission? {
                Admission::Admitted => admitted += 1,
                other => same("the others are", &other, &Admission::Waits)?,
            }
        }
        same(&format!("round {round}: of 24 are admitted"), &admitted, &FREE_FAILURES)?;
        let ends = (0..FREE_FAILURES).map(|_| trial.accounts.count(ada.clone(), FAILED, at(1)));
        for settled in join_all(ends.collect()).await {
            same("settling refuses nothing", &settled?, &Admission::Admitted)?;
        }
        same("each failure counts", &trial.count(&ada, Step::Admit, at(1)).await?, &refused(30_000))?;
    }
    Ok(())
}

pub(super) async fn concurrent_attempts_of_many_names_do_not_lock_each_other_out(trial: &Trial<'_>) -> Kept {
    // Each two share one key and not the other: taken in another order than that of the keys, they would wait for each other.
    let claims: Vec<_> = (0..24_u8)
        .map(|n| {
            Claims::of_login(
                &login_name(["ada", "eve", "kim"][usize::from(n) % 3]),
                Some([192, 0, 2, n % 4].into()),
                1_000,
            )
        })
        .collect();
    for step in [Step::Admit, Step::Settle(Settlement::Unchecked)] {
        let steps = claims.iter().map(|claims| trial.accounts.count(claims.clone(), step, at(0)));
        for admission in join_all(steps.collect()).await {
            let admission = admission?;
            holds("nobody is refused", !matches!(admission, Admission::Refused(_)), admission)?;
        }
    }
    Ok(())
}

pub(super) async fn who_is_locked_is_named_until_forgotten(trial: &Trial<'_>) -> Kept {
    let (ada, eve) = (named("ada"), named("eve"));
    trial.fail(&eve, FREE_FAILURES, at(0)).await?;
    let last = trial.fail(&ada, LOCK_AFTER - 1, at(0)).await?.plus(Duration::from_hours(1));
    same("before the last one", &trial.count(&ada, Step::Admit, last).await?, &Admission::Admitted)?;
    same("which locks", &trial.count(&ada, FAILED, last).await?, &Admission::Locked)?;
    same("the locked ones are", &trial.accounts.locked(10).await?, &vec![key("ada")])?;
    same("no more than asked for", &trial.accounts.locked(0).await?, &Vec::new())?;
    let later = last.plus(COUNTER_RETENTION).plus(COUNTER_RETENTION);
    same("whatever time passes", &trial.count(&ada, Step::Admit, later).await?, &refused(3_600_000))?;
    same("forgetting says that there was one", &trial.accounts.forget_counter(key("ada")).await?, &true)?;
    same("and that there is none", &trial.accounts.forget_counter(key("ada")).await?, &false)?;
    same("none is locked", &trial.accounts.locked(10).await?, &Vec::new())?;
    same("it may be tried again", &trial.count(&ada, Step::Admit, later).await?, &Admission::Admitted)
}

pub(super) async fn counters_that_say_nothing_or_are_old_are_purged(trial: &Trial<'_>) -> Kept {
    let locked = trial.fail(&named("locked"), LOCK_AFTER, at(0)).await?;
    trial.fail(&login("ada", 1), 1, locked).await?;
    let purge = async |when, chunk| -> Kept<u64> { Ok(trial.accounts.purge_counters(when, NO_CAP, chunk).await?) };
    same("while both say something", &purge(locked, 10).await?, &0)?;
    let whole = locked.plus(Duration::from_secs(10));
    same("the network's budget is whole again", &purge(whole, 10).await?, &1)?;
    same("a name's failures stay", &purge(locked.plus(COUNTER_RETENTION), 10).await?, &0)?;
    let old = locked.plus(COUNTER_RETENTION).plus(Duration::from_millis(1));
    same("until nobody has touched them for so long", &purge(old, 10).await?, &1)?;
    same("what is locked stays", &trial.accounts.locked(10).await?, &vec![key("locked")])
}

pub(super) async fn counters_over_the_most_are_purged_in_chunks(trial: &Trial<'_>) -> Kept {
    let locked = trial.fail(&named("locked"), LOCK_AFTER, at(0)).await?;
    trial.fail(&named("often"), 4, locked).await?;
    for (index, name) in ["oldest", "older", "newer", "newest"].into_iter().enumerate() {
        trial.fail(&named(name), 1, locked.plus(Duration::from_millis(index as u64))).await?;
    }
    let purge = async |max, chunk| -> Kept<u64> { Ok(trial.accounts.purge_counters(locked, max, chunk).await?) };
    same("six are not over six", &purge(6, 10).await?, &0)?;
    same("over three are three, of which a chunk goes", &purge(3, 2).await?, &2)?;
    same("and the next one", &purge(3, 2).await?, &1)?;
    for (name, is_there) in [("oldest", false), ("older", false), ("newer", false), ("newest", true), ("often", true)] {
        same(name, &trial.accounts.forget_counter(key(name)).await?, &is_there)?;
    }
    same("what is locked stays", &purge(0, 10).await?, &0)?;
    same("and is named", &trial.accounts.locked(10).await?, &vec![key("locked")])
}
