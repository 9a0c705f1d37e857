//! What was measured, as a table: medians and, in brackets, the least and the most; ratios between turns of one round.

use std::fmt;

use super::load::Driven;
use super::mode::{Goal, Kept, Mode};
use super::server::Meter;

/// At least so many times the peer's requests a second.
const THROUGHPUT_GOAL: f64 = 4.0;
/// At most this part of the peer's processor time in the database.
const DATABASE_GOAL: f64 = 1.0 / 6.0;
/// Under leased validation, at least this part of the requests a second of no validation at all.
const LEASED_GOAL: f64 = 0.9;
/// The goals are for so many connections.
const GOAL_CONNECTIONS: u32 = 64;

/// One mode's turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    requests_per_s: f64,
    p99_ms: f64,
    server_us: f64,
    /// Where there is a database server.
    database_us: Option<f64>,
    load_us: f64,
    statements: Option<f64>,
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    pub(super) fn new(mode: &Mode, driven: &Driven, used: &Meter) -> Self {
        let requests = driven.requests.max(1) as f64;
        let per_request_us = |time: std::time::Duration| time.as_secs_f64() * 1e6 / requests;
        Self {
            requests_per_s: requests * 1e6 / driven.micros.max(1) as f64,
            p99_ms: driven.p99_micros as f64 / 1e3,
            server_us: per_request_us(used.server),
            database_us: (mode.kept == Kept::OnPostgres).then(|| per_request_us(used.database)),
            load_us: per_request_us(used.load),
            statements: used.statements.map(|statements| statements as f64 / requests),
        }
    }
}

impl Sample {
    /// What a request costs whoever runs the server and the database.
    fn both_us(&self) -> f64 {
        self.server_us + self.database_us.unwrap_or(0.0)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} requests/s, {:.1} µs", self.requests_per_s, self.server_us)?;
        self.database_us.map_or(Ok(()), |database| write!(f, ", {database:.1} µs in the database"))
    }
}

/// The turns of some modes at one number of connections: one sample a round, in the order of the rounds.
#[derive(Debug)]
pub(super) struct Turns(Vec<(&'static Mode, Vec<Sample>)>);

impl Turns {
    pub(super) fn of(modes: &[&'static Mode]) -> Self {
        Self(modes.iter().map(|mode| (*mode, Vec::new())).collect())
    }

    pub(super) fn add(&mut self, mode: &Mode, sample: Sample) {
        if let Some((_, samples)) = self.0.iter_mut().find(|(of, _)| *of == mode) {
            samples.push(sample);
        }
    }

    fn samples(&self, name: &str) -> &[Sample] {
        self.0.iter().find(|(mode, _)| mode.name == name).map_or(&[], |(_, samples)| samples)
    }

    /// Ratios of a mode's turns to its peer's of the same rounds.
    fn ratios(&self, mode: &Mode, of: fn(&Sample) -> Option<f64>) -> Option<Spread> {
        let pairs = self.samples(mode.name).iter().zip(self.samples(mode.beside?));
        Spread::of(pairs.filter_map(|(own, peer)| Some(of(own)? / of(peer)?)))
    }

    /// The table, in Markdown, and below it whether the goals are met.
    pub(super) fn table(&self, connections: u32, rounds: u32, seconds: u32) -> String {
        let mut rows = vec![
            [
                "mode",
                "requests/s",
                "× peer",
                "p99 ms",
                "load µs",
                "server µs",
                "database µs",
                "× peer",
                "requests per CPU × peer",
                "statements",
            ]
            .map(str::to_owned),
        ];
        for (mode, samples) in &self.0 {
            let spread = |of: fn(&Sample) -> Option<f64>| Spread::of(samples.iter().filter_map(of));
            rows.push([
                mode.name.to_owned(),
                shown(spread(|sample| Some(sample.requests_per_s)), 0),
                shown(self.ratios(mode, |sample| Some(sample.requests_per_s)), 2),
                spread(|sample| Some(sample.p99_ms)).map_or_else(String::new, |spread| format!("{:.1}", spread.median)),
                spread(|sample| Some(sample.load_us))
                    .map_or_else(String::new, |spread| format!("{:.1}", spread.median)),
                shown(spread(|sample| Some(sample.server_us)), 1),
                shown(spread(|sample| sample.database_us), 1),
                shown(self.ratios(mode, |sample| sample.database_us), 3),
                shown(self.ratios(mode, |sample| Some(1.0 / sample.both_us())), 2),
                spread(|sample| sample.statements).map_or_else(String::new, |spread| format!("{:.3}", spread.median)),
            ]);
        }
        let mut text = format!(
            "{connections} connections, {rounds} rounds × {seconds} s, median (least–most), CPU and statements a request\n\n"
        );
        text.push_str(&aligned(&rows));
        if connections == GOAL_CONNECTIONS {
            text.push_str(&self.goals());
        }
        text
    }

    fn goals(&self) -> String {
        let mut lines = Vec::new();
        for (mode, _) in &self.0 {
            let (Some(peer), name) = (mode.beside, mode.name) else { continue };
            if mode.goal == Goal::Leased
                && let Some(Spread { median, .. }) = self.ratios(mode, |sample| Some(sample.requests_per_s))
            {
                let verdict = verdict(median >= LEASED_GOAL);
                lines.push(format!("{name}: {median:.2} × {peer}; at least {LEASED_GOAL} × is the goal: {verdict}"));
            }
            if mode.goal != Goal::Strict {
                continue;
            }
            if let Some(Spread { median, .. }) = self.ratios(mode, |sample| Some(sample.requests_per_s)) {
                let verdict = verdict(median >= THROUGHPUT_GOAL);
                lines.push(format!(
                    "{name}: {median:.2} × {peer}; at least {THROUGHPUT_GOAL:.0} × is the goal: {verdict}"
                ));
            }
            if let Some(Spread { median, .. }) = self.ratios(mode, |sample| sample.database_us) {
                let verdict = verdict(median <= DATABASE_GOAL);
                lines.push(format!(
                    "{name}: {median:.3} of the database's CPU a request; at most {DATABASE_GOAL:.3} is the goal: {verdict}"
                ));
            }
        }
        lines.iter().map(|line| format!("\n{line}")).chain(lines.last().map(|_| "\n".to_owned())).collect()
    }
}

const fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "NOT MET" }
}

/// The middle, the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let (below, above) = (values.get((values.len() - 1) / 2)?, values.get(values.len() / 2)?);
        Some(Self { median: f64::midpoint(*below, *above), least, most })
    }
}

fn shown(spread: Option<Spread>, places: usize) -> String {
    spread.map_or_else(String::new, |Spread { median, least, most }| {
        format!("{median:.places$} ({least:.places$}–{most:.places$})")
    })
}

/// A Markdown table whose columns stand below each other: the first from the left, the others from the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0).max(3)).collect();
    let dashes: [String; N] = std::array::from_fn(|column| "-".repeat(widths.get(column).copied().unwrap_or(3)));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("| {cell:<width$} "),
            _ => format!("| {cell:>width$} "),
        });
        cells.chain(["|\n".to_owned()]).collect::<String>()
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    // A dash less and a colon: what is below stands at the right.
    lines.insert(1, line(&dashes).replace("- |", ": |").replacen(": |", "- |", 1));
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::super::mode::named;
    use super::*;
    use std::time::Duration;

    fn turns(cloakroom: &[u64], peer: &[u64], database_us: u64) -> Turns {
        let modes = ["tower-sessions-postgres", "cloakroom-postgres"].map(|name| named(name).unwrap());
        let mut turns = Turns::of(&modes);
        for (mode, requests, database_us) in [(modes[0], peer, 60), (modes[1], cloakroom, database_us)] {
            for requests in requests {
                let used = Meter {
                    server: Duration::from_micros(20 * requests),
                    database: Duration::from_micros(database_us * requests),
                    load: Duration::from_micros(10 * requests),
                    statements: (mode.goal == Goal::Strict).then_some(requests / 4),
                };
                turns.add(mode, Sample::new(mode, &Driven::of(*requests, 1_000_000), &used));
            }
        }
        turns
    }

    #[test]
    fn a_table_of_medians_with_ratios_of_the_same_round() {
        let text = turns(&[40_000, 100_000, 60_000], &[10_000, 20_000, 20_000], 6).table(64, 3, 1);
        assert_eq!(
            text,
            "64 connections, 3 rounds × 1 s, median (least–most), CPU and statements a request\n\n\
             | mode                    |           requests/s |           × peer | p99 ms | load µs |        server µs |      database µs |              × peer | requests per CPU × peer | statements |\n\
             | ----------------------- | -------------------: | ---------------: | -----: | ------: | ---------------: | ---------------: | ------------------: | ----------------------: | ---------: |\n\
             | tower-sessions-postgres |  20000 (10000–20000) |                  |    1.5 |    10.0 | 20.0 (20.0–20.0) | 60.0 (60.0–60.0) |                     |                         |            |\n\
             | cloakroom-postgres      | 60000 (40000–100000) | 4.00 (3.00–5.00) |    1.5 |    10.0 | 20.0 (20.0–20.0) |    6.0 (6.0–6.0) | 0.100 (0.100–0.100) |        3.08 (3.08–3.08) |      0.250 |\n\
             \n\
             cloakroom-postgres: 4.00 × tower-sessions-postgres; at least 4 × is the goal: met\n\
             cloakroom-postgres: 0.100 of the database's CPU a request; at most 0.167 is the goal: met\n"
        );
    }

    #[test]
    fn a_goal_that_is_missed_is_said_and_only_where_it_is_one() {
        let text = turns(&[39_000], &[10_000], 11).table(64, 1, 1);
        assert!(text.contains("3.90 × tower-sessions-postgres; at least 4 × is the goal: NOT MET"), "{text}");
        assert!(text.contains("0.183 of the database's CPU a request; at most 0.167 is the goal: NOT MET"), "{text}");
        assert!(!turns(&[39_000], &[10_000], 11).table(8, 1, 1).contains("goal"));
    }

    #[test]
    fn the_median_of_an_even_number_is_in_the_middle() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0].into_iter());
        assert_eq!(spread, Some(Spread { median: 2.5, least: 1.0, most: 4.0 }));
        assert_eq!(Spread::of(std::iter::empty()), None);
    }
}
