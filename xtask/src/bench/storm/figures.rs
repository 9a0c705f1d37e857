//! What a storm did, as a table with what is asked of it.

use std::fmt;
use std::time::Duration;

use super::{TIMES, per_second};

/// A refusal has to be quick: whoever waits for one is not served meanwhile.
const REFUSAL_MAX: Duration = Duration::from_millis(100);
/// Whoever is logged in waits at most so many times as long as without a storm.
const SLOWER_MAX: f64 = 2.0;
/// More than this between the first and the last third of the storm is growth.
const GROWTH_MAX: f64 = 1.05;

/// How long answers took.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(super) fn add(&mut self, taken: Duration) {
        self.0.push(taken);
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    fn over(&self, most: Duration) -> usize {
        self.0.iter().filter(|taken| **taken > most).count()
    }

    /// So many of a thousand took no longer.
    fn of_thousand(&self, part: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * part).div_ceil(1000).max(1) - 1;
        sorted.get(at).copied().unwrap_or_default()
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |part| millis(self.of_thousand(part));
        write!(f, "{} answers, median {:.2} ms, p99 {:.2} ms, most {:.2} ms", self.0.len(), ms(500), ms(990), ms(1000))
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Report {
    /// Logins a second that can be hashed.
    pub(super) capacity: f64,
    pub(super) taken: Duration,
    pub(super) accepted: usize,
    pub(super) refused: Latencies,
    /// Answers that are neither 200 nor 503.
    pub(super) others: Vec<u16>,
    /// Logins that were answered with 200, before the storm too.
    pub(super) acknowledged: usize,
    /// Those of them whose session was there afterwards.
    pub(super) real: usize,
    pub(super) idle: Latencies,
    pub(super) probed: Latencies,
    /// During the storm, in order.
    pub(super) memory_kib: Vec<u64>,
    /// What the rest of the machine used during the storm, in processors.
    pub(super) others_share: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sent = self.accepted + self.refused.0.len() + self.others.len();
        let times = per_second(sent, self.taken) / self.capacity;
        writeln!(f, "{sent} logins in {:.1} s, {times:.1} × what can be hashed\n", self.taken.as_secs_f64())?;
        writeln!(f, "| what | without | in the storm | × | asked | |")?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | --- |")?;
        let logins = per_second(self.accepted, self.taken);
        row(f, "logins a second", &[self.capacity, logins], 0, "", None)?;
        for (name, part, asked) in [("median", 500, None), ("p99", 990, Some(SLOWER_MAX)), ("most", 1000, None)] {
            let pair = [millis(self.idle.of_thousand(part)), millis(self.probed.of_thousand(part))];
            let asked = asked.map(|most| (format!("≤ {most} ×"), pair[1] <= most * pair[0]));
            let (text, is_met) = asked.map_or((String::new(), None), |(text, is_met)| (text, Some(is_met)));
            row(f, &format!("validation, {name}, ms"), &pair, 2, &text, is_met)?;
        }
        let most = millis(self.refused.of_thousand(1000));
        let is_quick = self.refused.over(REFUSAL_MAX) == 0;
        let p99 = millis(self.refused.of_thousand(990));
        row(f, "503, p99, ms", &[p99], 2, "", None)?;
        row(f, "503, most, ms", &[most], 2, &format!("≤ {} ms", REFUSAL_MAX.as_millis()), Some(is_quick))?;
        let third = self.memory_kib.len() / 3;
        let of = |part: &[u64]| mib(part.iter().copied().max().unwrap_or(0));
        let (first, last) = self.memory_kib.split_at(self.memory_kib.len() - third);
        let pair = [of(first.get(..third).unwrap_or_default()), of(last)];
        let text = format!("≤ {GROWTH_MAX} ×");
        row(f, "memory, first and last third, MiB", &pair, 1, &text, Some(pair[1] <= GROWTH_MAX * pair[0]))?;
        let is_all = self.real == self.acknowledged;
        writeln!(f, "\nacknowledged {}, of which real {}: {}", self.acknowledged, self.real, verdict(is_all))?;
        writeln!(f, "{} × is the goal of the load: {}", TIMES, verdict(times >= 0.95 * TIMES))?;
        writeln!(f, "refused {}, more than {REFUSAL_MAX:?} {}", self.refused.0.len(), self.refused.over(REFUSAL_MAX))?;
        writeln!(f, "what else runs on the machine used {:.2} processors meanwhile", self.others_share)?;
        writeln!(f, "other answers: {:?}", self.others.get(..self.others.len().min(5)).unwrap_or_default())
    }
}

/// A line of the table: without the storm and in it, or in it alone.
fn row(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    values: &[f64],
    places: usize,
    asked: &str,
    is_met: Option<bool>,
) -> fmt::Result {
    let (without, within, ratio) = match values {
        [without, within] => {
            (format!("{without:.places$}"), format!("{within:.places$}"), format!("{:.2}", within / without))
        }
        [within] => (String::new(), format!("{within:.places$}"), String::new()),
        _ => <(String, String, String)>::default(),
    };
    let met = is_met.map_or("", verdict);
    writeln!(f, "| {name} | {without} | {within} | {ratio} | {asked} | {met} |")
}

const fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "NOT MET" }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "less than a terabyte")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(millis: impl IntoIterator<Item = u64>) -> Latencies {
        Latencies(millis.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn parts_of_a_thousand() {
        let hundred = latencies((1..=100).rev());
        assert_eq!([500, 990, 1000].map(|part| hundred.of_thousand(part).as_millis()), [50, 99, 100]);
        assert_eq!(latencies([7]).of_thousand(500), Duration::from_millis(7));
        assert_eq!(Latencies::default().of_thousand(990), Duration::ZERO);
        assert_eq!(hundred.over(Duration::from_millis(98)), 2);
    }

    #[test]
    fn what_is_missed_is_said() {
        let report = |refused, probed, last, real| Report {
            capacity: 50.0,
            taken: Duration::from_secs(1),
            accepted: 49,
            refused: latencies(vec![refused; 451]),
            others: Vec::new(),
            acknowledged: 99,
            real,
            idle: latencies([1]),
            probed: latencies([probed]),
            memory_kib: vec![100, 100, 200, last],
            others_share: 0.0,
        };
        assert!(!report(100, 2, 105, 99).to_string().contains("NOT MET"), "{}", report(100, 2, 105, 99));
        for wrong in
            [report(101, 2, 105, 99), report(100, 3, 105, 99), report(100, 2, 106, 99), report(100, 2, 105, 98)]
        {
            assert_eq!(wrong.to_string().matches("NOT MET").count(), 1, "{wrong}");
        }
    }
}
