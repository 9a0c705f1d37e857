//! What may be served and refused: the truth, kept apart from everything the instances believe.

use std::collections::BTreeMap;
use std::fmt;

use super::database::{Row, Token};
use crate::policy::Policy;
use crate::session::Times;
use crate::time::Timestamp;
use crate::verdict::{Verdict, verdict};

/// What was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// G5: served a lease or more after the commit that took the "yes" away.
    Bounded,
    /// G2: served on the instance that ended it, to a request that came after the ending had returned.
    OwnEnding,
    /// Served after "everywhere" had returned.
    Everywhere,
    /// G3: served to a request that came after the instance had been told of the ending.
    NobodyComesBack,
    /// Served past its expiry, however late anybody is known to have used it.
    Expiry,
    /// G6: "logged out" was said of a session that was usable from the request's beginning to its end.
    FalseRefusal,
    /// Long after the last fault, a living session was not served from memory.
    Liveness,
    /// Everything was dropped without a break in continuity.
    NeedlesslyEmptied,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A rule and how it was broken.
pub(super) type Broken = (Rule, String);

/// A token's row from one commit to the next.
#[derive(Clone, Debug)]
struct Version {
    from: u64,
    to: Option<u64>,
    row: Row,
    /// When its last use was recorded, and as what.
    seen: Vec<(u64, Timestamp)>,
}

#[derive(Clone, Debug, Default)]
struct History {
    versions: Vec<Version>,
    /// The latest use anybody knows of.
    used: Option<Timestamp>,
    everywhere: Option<u64>,
}

/// A request at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) instance: usize,
    pub(super) token: Token,
    pub(super) began: u64,
    pub(super) now: u64,
    /// The time of day as the instance has it.
    pub(super) day: Timestamp,
    /// The lease in truth, on this instance's clock.
    pub(super) lease: u64,
}

/// Knows all that was true at any time.
#[derive(Debug, Default)]
pub(super) struct Judge {
    policy: Policy,
    histories: BTreeMap<Token, History>,
    /// Who was told of which ending, when, and whether it was its own.
    told: BTreeMap<(usize, Token), (u64, bool)>,
    lost: Option<u64>,
}

impl Judge {
    /// Notes what is there after a commit or a loss.
    pub(super) fn observe(&mut self, now: u64, rows: &BTreeMap<Token, Row>) {
        for (token, history) in &mut self.histories {
            if let Some(last) = history.versions.last_mut().filter(|last| last.to.is_none())
                && !rows.get(token).is_some_and(|row| is_same(row, &last.row))
            {
                last.to = Some(now);
            }
        }
        for (token, row) in rows {
            let history = self.histories.entry(*token).or_default();
            let seen = row.times.last_seen_at;
            history.used = history.used.max(Some(seen));
            match history.versions.last_mut() {
                Some(last) if last.to.is_none() => {
                    if last.seen.last().is_none_or(|(_, before)| *before != seen) {
                        last.seen.push((now, seen));
                    }
                }
                _ => history.versions.push(Version { from: now, to: None, row: row.clone(), seen: vec![(now, seen)] }),
            }
        }
    }

    /// Committed transactions were lost.
    pub(super) fn lost(&mut self, now: u64) {
        self.lost = Some(now);
    }

    /// An instance lets a session be used; the use is going to be recorded.
    pub(super) fn used(&mut self, token: Token, at: Timestamp) {
        let history = self.histories.entry(token).or_default();
        history.used = history.used.max(Some(at));
    }

    /// An instance knows that this token's "yes" was taken away, by its own ending or from the feed.
    pub(super) fn told(&mut self, instance: usize, token: Token, now: u64, is_own: bool) {
        self.told.insert((instance, token), (now, is_own));
    }

    /// A process that starts knows nothing.
    pub(super) fn started(&mut self, instance: usize) {
        self.told.retain(|(there, _), _| *there != instance);
    }

    pub(super) fn everywhere(&mut self, token: Token, now: u64) {
        self.histories.entry(token).or_default().everywhere = Some(now);
    }

    /// Since when the token has had no row, if it had one.
    pub(super) fn ended(&self, token: Token) -> Option<u64> {
        self.histories.get(&token)?.versions.last()?.to
    }

    /// How long its last row had said the same when it went.
    pub(super) fn stood_for(&self, token: Token) -> u64 {
        let last = self.histories.get(&token).and_then(|history| history.versions.last());
        last.map_or(0, |last| last.to.unwrap_or(u64::MAX).saturating_sub(last.from))
    }

    pub(super) fn served(&self, case: &Case, subject: usize) -> Result<(), Broken> {
        let Case { token, now, .. } = *case;
        let Some(history) = self.histories.get(&token) else {
            return Err((Rule::Bounded, format!("token {token} never was")));
        };
        let since = |moment: u64| history.versions.iter().any(|version| version.to.is_none_or(|to| to > moment));
        if let Some((told, is_own)) = self.told.get(&(case.instance, token))
            && *told < case.began
            && !since(*told)
        {
            let rule = if *is_own { Rule::OwnEnding } else { Rule::NobodyComesBack };
            return Err((
                rule,
                format!("token {token} had ended {} before the request, and it knew", ms(case.began - told)),
            ));
        }
        if let Some(returned) = history.everywhere
            && returned < now
            && !since(returned)
        {
            return Err((Rule::Everywhere, format!("token {token}, {} after everywhere", ms(now - returned))));
        }
        let in_time = |version: &&Version| version.to.is_none_or(|to| now < to.saturating_add(case.lease));
        let candidates: Vec<&Version> = history.versions.iter().filter(in_time).collect();
        let rightful = candidates.iter().filter(|version| version.row.subject == subject).collect::<Vec<_>>();
        if rightful.is_empty() {
            let last = history.versions.iter().rev().find(|version| version.row.subject == subject);
            let late = last.and_then(|version| version.to).map_or(0, |to| now - to);
            let what = format!(
                "token {token}, {} after its \"yes\" was taken away; the lease is {}",
                ms(late),
                ms(case.lease)
            );
            return Err((Rule::Bounded, what));
        }
        let is_usable = |version: &&&Version| self.is_usable(&version.row.times, history.used, case.day);
        if rightful.iter().any(is_usable) {
            return Ok(());
        }
        let rule = if rightful.iter().any(|version| version.to.is_none()) { Rule::Expiry } else { Rule::Bounded };
        Err((rule, format!("token {token} past its expiry, at {} of this clock", case.day)))
    }

    pub(super) fn refused(&self, case: &Case) -> Result<(), Broken> {
        // Who asked before a loss may have been told what was true before it.
        if self.lost.is_some_and(|lost| lost + 4 * case.lease > case.began) {
            return Ok(());
        }
        let Some(history) = self.histories.get(&case.token) else { return Ok(()) };
        let mut at = case.began;
        for version in &history.versions {
            if version.from > at {
                return Ok(()); // there was none
            }
            if version.to.is_some_and(|to| to <= at) {
                continue;
            }
            let seen = version.seen.iter().rev().find(|(when, _)| *when <= case.began).map(|(_, seen)| *seen);
            if !self.is_usable(&version.row.times, seen, case.day) {
                return Ok(());
            }
            match version.to {
                Some(to) if to <= case.now => at = to,
                _ => {
                    let what = format!("token {} was usable from the request's beginning to its end", case.token);
                    return Err((Rule::FalseRefusal, what));
                }
            }
        }
        Ok(())
    }

    fn is_usable(&self, times: &Times, used: Option<Timestamp>, day: Timestamp) -> bool {
        let last_seen_at = used.unwrap_or(times.last_seen_at);
        verdict(Times { last_seen_at, ..*times }, day, &self.policy) == Verdict::Usable
    }
}

/// Whether one row says no less than the other: a use takes nothing away.
fn is_same(row: &Row, other: &Row) -> bool {
    let without_use =
        |row: &Row| Row { times: Times { last_seen_at: Timestamp::from_millis(0), ..row.times }, ..row.clone() };
    without_use(row) == without_use(other)
}

/// Nanoseconds as milliseconds.
pub(super) fn ms(span: u64) -> String {
    format!("{}.{:03} ms", span / 1_000_000, span / 1_000 % 1_000)
}
