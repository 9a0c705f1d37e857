//! The page of charts: what was measured, in the words of its reader, as pictures and as the tables behind them. What is drawn is decided
//! here, how in [`chart`](crate::chart).

mod parts;

use std::time::Duration;

use askama::Template;
use cloakroom::{EndReason, FormToken, Timestamp};
use cloakroom_core::measurement::{History, Latencies, LoginOutcome, Resolution, Slot, Window};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::chart::{Frame, Scale, Stack, bars, lines, number, place, swatch};
use crate::view::{Expires, Words};
use parts::{EndGroup, Parts, map};

/// How much time the charts are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Span {
    /// 24 hours: five minutes for each point, an hour for each bar and row.
    #[default]
    Day,
    /// 30 days: an hour for each point, a day for each bar and row.
    Month,
}

impl Span {
    const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// How an address says it.
    const fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Month => "30d",
        }
    }

    /// The span of such a word.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.word() == word)
    }

    const fn resolution(self) -> Resolution {
        match self {
            Self::Day => Resolution::FiveMinutes,
            Self::Month => Resolution::Hour,
        }
    }

    /// How many buckets are one bar, and one row of a table.
    const fn coarse(self) -> usize {
        match self {
            Self::Day => 12,
            Self::Month => 24,
        }
    }

    /// How many buckets are one point of a line of times, which few requests would make restless.
    const fn smoothed(self) -> usize {
        match self {
            Self::Day => 3,
            Self::Month => 6,
        }
    }

    /// The buckets before now.
    pub(crate) fn window(self, now: Timestamp) -> Window {
        let (buckets, aligned) = match self {
            Self::Day => (288, Resolution::Hour.length()),
            Self::Month => (720, Resolution::Hour.length() * 24),
        };
        Window::before(now, self.resolution(), buckets, aligned)
    }
}

#[derive(Debug, Template)]
#[template(path = "admin_charts.html")]
pub(crate) struct ChartsPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    /// The word of each span, its name, and whether it is shown.
    pub(crate) spans: Vec<(&'static str, String, bool)>,
    /// Whether nobody has measured anything yet.
    pub(crate) is_new: bool,
    pub(crate) charts: Vec<ShownChart>,
}

/// One chart, and the table behind it.
#[derive(Debug)]
pub(crate) struct ShownChart {
    id: &'static str,
    title: String,
    /// What there is to see, in a sentence.
    summary: String,
    /// Drawn by us, with every text in it escaped.
    svg: String,
    legend: Vec<(String, String)>,
    caption: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// A row of the table: when, as a program and as a person reads it, and a cell for each column.
#[derive(Debug)]
struct Row {
    at: String,
    when: String,
    cells: Vec<String>,
}

impl<'a> ChartsPage<'a> {
    pub(crate) fn new(
        words: Words<'a>,
        form_token: &'a FormToken,
        expires: Expires,
        span: Span,
        history: &History,
    ) -> Self {
        let name = |of: Span| match of {
            Span::Day => words.say("chart-span-day"),
            Span::Month => words.say("chart-span-month"),
        };
        let drawing = Drawing::new(words, span, history);
        Self {
            words,
            form_token,
            expires,
            spans: Span::ALL.map(|of| (of.word(), name(of), of == span)).into(),
            is_new: history.is_empty(),
            charts: vec![drawing.active(), drawing.logins(), drawing.ends(), drawing.latency()],
        }
    }
}

/// What all charts of a page are drawn from.
struct Drawing<'a> {
    words: Words<'a>,
    span: Span,
    history: &'a History,
    coarse: History,
}

impl<'a> Drawing<'a> {
    fn new(words: Words<'a>, span: Span, history: &'a History) -> Self {
        Self { words, span, history, coarse: history.coarser(span.coarse()) }
    }

    fn active(&self) -> ShownChart {
        let values: Vec<_> = self.history.slots.iter().map(|(at, slot)| (*at, slot.active)).collect();
        let most = values.iter().filter_map(|(at, value)| Some(((*value)?, *at))).max_by_key(|(value, _)| *value);
        let last = values.iter().rev().find_map(|(_, value)| *value);
        let summary = match (most, last) {
            (Some((most, at)), Some(last)) => {
                let (most, last) = (number::whole(most.into()), number::whole(last.into()));
                self.words.with("chart-active-summary", &[("most", most), ("at", self.when(at)), ("last", last)])
            }
            _ => self.nothing(),
        };
        let scale = Scale::of_counts(most.map_or(0, |(most, _)| most));
        let rows = self.rows(|slot| vec![self.count(slot.active)]);
        let values: Vec<_> = values.into_iter().map(|(_, value)| value).collect();
        let legend = self.gap("chart-active", values.contains(&None)).into_iter().collect();
        let columns = vec![self.words.say("chart-active-most")];
        self.shown("chart-active", summary, scale, legend, columns, rows, |frame| lines(frame, &[values], true))
    }

    fn logins(&self) -> ShownChart {
        let names = LoginOutcome::ALL.map(|outcome| self.words.say(&format!("chart-login-{}", outcome.as_str())));
        let logins: Vec<_> = self.coarse.slots.iter().map(|(at, slot)| (*at, slot.logins)).collect();
        let parts = Parts { names: names.into(), counted: map(&logins, Vec::from) };
        self.stacked("chart-logins", &parts, &parts)
    }

    fn ends(&self) -> ShownChart {
        let group = |ends: [u64; EndReason::ALL.len()], group: EndGroup| {
            let ends = EndReason::ALL.iter().zip(ends).filter(|(reason, _)| EndGroup::of(**reason) == group);
            ends.fold(0_u64, |sum, (_, count)| sum.saturating_add(count))
        };
        let ends: Vec<_> = self.coarse.slots.iter().map(|(at, slot)| (*at, slot.ends)).collect();
        let grouped = Parts {
            names: EndGroup::ALL.map(|group| self.words.say(group.message())).into(),
            counted: map(&ends, |ends| EndGroup::ALL.map(|of| group(ends, of)).into()),
        };
        // The table says each reason that came up.
        let has_come_up = |place: usize| ends.iter().any(|(_, ends)| ends.is_some_and(|ends| ends[place] > 0));
        let places: Vec<_> = (0..EndReason::ALL.len()).filter(|place| has_come_up(*place)).collect();
        let each = Parts {
            names: places.iter().map(|place| self.words.why(EndReason::ALL[*place])).collect(),
            counted: map(&ends, |ends| places.iter().map(|place| ends[*place]).collect()),
        };
        self.stacked("chart-ends", &grouped, &each)
    }

    fn latency(&self) -> ShownChart {
        let smooth = self.history.coarser(self.span.smoothed());
        let micros = |per_mille| -> Vec<Option<u64>> {
            let of = |latencies: &Latencies| latencies.quantile(per_mille);
            let slots = smooth.slots.iter();
            slots.map(|(_, slot)| Some(us(slot.validations.as_ref().and_then(of)?).max(1))).collect()
        };
        let series = [micros(500), micros(990)];
        let all = || series.iter().flatten().flatten().copied();
        let scale = Scale::of_powers(all().min().unwrap_or(10), all().max().unwrap_or(10_000));
        let whole = self.history.coarser(self.history.slots.len());
        let total = whole.slots.first().and_then(|(_, slot)| slot.validations).unwrap_or_default();
        let cell = |time: Option<Duration>| time.map_or_else(|| self.none(), number::span);
        let summary = match (total.quantile(500), total.quantile(990)) {
            (Some(half), Some(most)) => {
                let (half, most) = (number::span(half), number::span(most));
                let count = number::whole(total.count().into());
                self.words.with("chart-latency-summary", &[("half", half), ("most", most), ("count", count)])
            }
            _ => self.nothing(),
        };
        let rows = self.rows(|slot| {
            let latencies = slot.validations.unwrap_or_default();
            let count = slot.validations.map(|latencies| latencies.count());
            vec![cell(latencies.quantile(500)), cell(latencies.quantile(990)), self.count(count)]
        });
        let names = ["chart-latency-half", "chart-latency-most"].map(|key| self.words.say(key));
        let legend = (0..).zip(&names).map(|(place, name)| (swatch("chart-latency", Some(place), true), name.clone()));
        let legend = legend.collect();
        let columns = [names.as_slice(), &[self.words.say("chart-latency-count")]].concat();
        self.shown("chart-latency", summary, scale, legend, columns, rows, |frame| lines(frame, &series, false))
    }

    /// A chart of parts that add up to something, with a table of the same or of smaller parts.
    fn stacked(&self, id: &'static str, drawn: &Parts, told: &Parts) -> ShownChart {
        let stacks: Vec<_> =
            drawn.counted.iter().map(|(at, parts)| self.stack(*at, &drawn.names, parts.clone())).collect();
        let is_measured = stacks.iter().any(|stack| stack.parts.is_some());
        let total: u128 = stacks.iter().map(|stack| u128::from(stack.total())).sum();
        let summary = if is_measured {
            let parts = self.listed(&drawn.names, &drawn.totals());
            self.words.with("chart-parts-summary", &[("total", number::whole(total)), ("parts", parts)])
        } else {
            self.nothing()
        };
        let scale = Scale::of_counts(stacks.iter().map(Stack::total).max().unwrap_or(0));
        let legend = (0..).zip(&drawn.names).map(|(place, name)| (swatch(id, Some(place), false), name.clone()));
        let legend = legend.chain(self.gap(id, stacks.iter().any(|stack| stack.parts.is_none()))).collect();
        let columns = [told.names.as_slice(), &[self.words.say("chart-total")]].concat();
        let row = |(at, parts): &(Timestamp, Option<Vec<u64>>)| {
            let total = parts.as_ref().map(|parts| parts.iter().fold(0_u64, |sum, part| sum.saturating_add(*part)));
            let part = |place: usize| self.count(parts.as_ref().and_then(|parts| parts.get(place)).copied());
            let cells = (0..told.names.len()).map(part).chain([self.count(total)]).collect();
            Row { at: at.to_string(), when: self.when(*at), cells }
        };
        let rows = told.counted.iter().rev().map(row).collect();
        self.shown(id, summary, scale, legend, columns, rows, |frame| bars(frame, &stacks))
    }

    fn stack(&self, at: Timestamp, names: &[String], parts: Option<Vec<u64>>) -> Stack {
        let said = match &parts {
            Some(parts) => self.listed(names, parts),
            None => self.words.say("chart-gap"),
        };
        Stack { label: self.words.with("chart-at", &[("when", self.when(at)), ("said", said)]), parts }
    }

    /// The parts that are not zero, in words.
    fn listed(&self, names: &[String], parts: &[u64]) -> String {
        let listed = names.iter().zip(parts).filter(|(_, part)| **part > 0).map(|(name, part)| {
            self.words.with("chart-part", &[("name", name.clone()), ("count", number::whole((*part).into()))])
        });
        let listed: Vec<_> = listed.collect();
        if listed.is_empty() { self.words.say("chart-no-part") } else { listed.join(&self.words.say("chart-and")) }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a chart, each from another line of its caller")]
    fn shown(
        &self,
        id: &'static str,
        summary: String,
        scale: Scale,
        legend: Vec<(String, String)>,
        columns: Vec<String>,
        rows: Vec<Row>,
        draw: impl FnOnce(&Frame<'_>) -> String,
    ) -> ShownChart {
        let (title, nothing) = (self.words.say(id), self.words.say("chart-nothing"));
        let is_of_times = id == "chart-latency";
        let label = |tick: &u128| {
            if is_of_times {
                number::span(Duration::from_micros(u64::try_from(*tick).unwrap_or(u64::MAX)))
            } else {
                number::short(*tick, self.words.locale())
            }
        };
        let values = scale.ticks().iter().map(label).collect();
        let times = self.times();
        let svg = draw(&Frame { id, title: &title, description: &summary, scale, values, times, nothing: &nothing });
        let caption = self.words.with(
            match self.span {
                Span::Day => "chart-caption-hours",
                Span::Month => "chart-caption-days",
            },
            &[("title", title.clone())],
        );
        ShownChart { id, title, summary, svg, legend, caption, columns, rows }
    }

    /// A row for each bar, the newest first.
    fn rows(&self, cells: impl Fn(&Slot) -> Vec<String>) -> Vec<Row> {
        let row = |(at, slot): &(Timestamp, Slot)| Row { at: at.to_string(), when: self.when(*at), cells: cells(slot) };
        self.coarse.slots.iter().rev().map(row).collect()
    }

    /// What stands below the charts, and where: every four hours, every five days.
    fn times(&self) -> Vec<(f64, String)> {
        let (mut times, count) = (Vec::new(), self.history.slots.len());
        for (index, (at, _)) in self.history.slots.iter().enumerate() {
            let Some(time) = civil(*at) else { continue };
            let is_midnight = (time.hour(), time.minute()) == (0, 0);
            let label = match self.span {
                Span::Day if time.minute() == 0 && time.hour() % 4 == 0 => clock(time),
                Span::Month if is_midnight && time.day() % 5 == 1 && time.day() < 31 => {
                    self.day("chart-day-short", time)
                }
                _ => continue,
            };
            times.push((place(index, count), label));
        }
        times
    }

    /// When a bucket of the charts' bars begins.
    fn when(&self, at: Timestamp) -> String {
        let Some(time) = civil(at) else { return at.to_string() };
        let day = self.day("chart-day", time);
        match self.span {
            Span::Month if (time.hour(), time.minute()) == (0, 0) => day,
            _ => self.words.with("chart-time", &[("day", day), ("time", clock(time))]),
        }
    }

    fn day(&self, key: &str, time: DateTime) -> String {
        self.words.with(key, &[("month", time.month().to_string()), ("day", time.day().to_string())])
    }

    /// A cell with a number, or with a word where nobody measured.
    fn count(&self, value: Option<u64>) -> String {
        value.map_or_else(|| self.none(), |value| number::whole(value.into()))
    }

    fn none(&self) -> String {
        self.words.say("chart-none")
    }

    fn nothing(&self) -> String {
        self.words.say("chart-nothing")
    }

    /// What the legend says of gaps, where there are any.
    fn gap(&self, id: &str, is_there: bool) -> Option<(String, String)> {
        is_there.then(|| (swatch(id, None, false), self.words.say("chart-gap")))
    }
}

/// In UTC, which the page says.
fn civil(at: Timestamp) -> Option<DateTime> {
    Some(TimeZone::UTC.to_datetime(jiff::Timestamp::from_millisecond(at.as_millis()).ok()?))
}

fn clock(time: DateTime) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

fn us(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
