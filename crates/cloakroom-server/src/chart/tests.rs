//! Drawings: within their frame whatever the values, readable without seeing them, and nothing in them that the page's policy forbids.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::number::{short, span, whole};
use super::*;
use crate::locale::Locale;

fn frame(scale: Scale) -> Frame<'static> {
    let values = scale.ticks().iter().map(ToString::to_string).collect();
    let times = vec![(0.0, "start".to_owned()), (0.5, "noon".to_owned()), (1.0, "end".to_owned())];
    Frame { id: "c", title: "Title", description: "What is seen", scale, values, times, nothing: "Nothing" }
}

fn stacks(all: &[Option<Vec<u64>>]) -> Vec<Stack> {
    all.iter().map(|parts| Stack { label: "At".to_owned(), parts: parts.clone() }).collect()
}

/// What is drawn of values, without what is around them.
fn drawn(svg: &str) -> &str {
    let from = svg.rfind("</text></g>").map_or(0, |at| at + "</text></g>".len());
    &svg[from..]
}

/// Demands that every place a drawing names is in it; returns how many there are.
fn all_within(svg: &str) -> usize {
    let (_, body) = svg.split_once("</defs>").unwrap();
    let mut seen = 0;
    let mut within = |text: &str, max: f64| {
        let number: f64 = text.parse().unwrap();
        assert!((0.0..=max).contains(&number), "{number} of {max} in {body}");
        seen += 1;
        number
    };
    for element in body.split('<').filter(|element| !element.starts_with('/')) {
        let value =
            |name: &str| element.split(&format!(" {name}=\"")).nth(1).map(|rest| rest.split('"').next().unwrap());
        for (name, size, max) in [("x", "width", WIDTH), ("y", "height", HEIGHT), ("cx", "", WIDTH), ("cy", "", HEIGHT)]
        {
            let start = value(name).map_or(0.0, |text| within(text, max));
            if let Some(length) = value(size) {
                within(&(start + length.parse::<f64>().unwrap() - 0.1).max(0.0).to_string(), max);
            }
        }
        if let Some(d) = value("d") {
            let mut letter = ' ';
            let mut numbers = 0;
            for piece in d.split_inclusive(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')) {
                let number = piece.trim_end_matches(|c: char| !(c.is_ascii_digit() || c == '.'));
                if !number.is_empty() && letter != 'v' {
                    let is_across = match letter {
                        'H' => true,
                        'V' => false,
                        _ => numbers % 2 == 0,
                    };
                    within(number, if is_across { WIDTH } else { HEIGHT });
                    numbers += 1;
                }
                if let Some(next) = piece.chars().last().filter(char::is_ascii_alphabetic) {
                    (letter, numbers) = (next, 0);
                }
            }
        }
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert_eq!(svg.matches("<svg").count(), 1);
    seen
}

#[test]
fn a_line_breaks_where_nothing_was_measured() {
    let values = [Some(0), Some(10), None, Some(5), None, None, Some(20), Some(20)];
    let svg = lines(&frame(Scale::of_counts(20)), &[values.to_vec()], true);
    assert_snapshot!(drawn(&svg), @r##"<rect fill="url(#c-gap)" x="130" y="14" width="37" height="146"/><rect fill="url(#c-gap)" x="204" y="14" width="74" height="146"/><path class="area s1" d="M74.5 160L111.5 87L111.5 160L74.5 160Z"/><path class="line s1" d="M74.5 160L111.5 87"/><circle class="dot s1" cx="185.5" cy="123.5" r="1.6"/><path class="area s1" d="M296.5 14L333.5 14L333.5 160L296.5 160Z"/><path class="line s1" d="M296.5 14L333.5 14"/><circle class="dot s1" cx="333.5" cy="14" r="2.6"/><path class="axis" d="M56 160H352"/></svg>"##);
    all_within(&svg);
}

#[test]
fn bars_stand_on_each_other_and_a_gap_is_no_zero() {
    let svg = bars(&frame(Scale::of_counts(9)), &stacks(&[Some(vec![6, 0, 3]), None, Some(vec![0, 0, 0])]));
    assert_snapshot!(drawn(&svg), @r##"<rect fill="url(#c-gap)" x="154.7" y="14" width="98.7" height="146"/><g><title>At</title><path class="s1" d="M67.8 160V72.4H142.8V160Z"/><rect fill="url(#c-s3)" x="67.8" y="28.6" width="75" height="43.8"/></g><g><title>At</title></g><g><title>At</title></g><path class="axis" d="M56 160H352"/></svg>"##);
    all_within(&svg);
}

#[test]
fn who_cannot_see_it_is_told_its_name_and_what_is_in_it() {
    let svg = lines(&frame(Scale::of_counts(1)), &[vec![Some(1)]], true);
    assert!(svg.contains(r#"role="img" aria-labelledby="c-title" aria-describedby="c-description">"#), "{svg}");
    assert!(svg.contains(r#"<title id="c-title">Title</title><desc id="c-description">What is seen</desc>"#));
}

#[test]
fn nothing_in_a_drawing_is_markup_or_forbidden_by_the_policy() {
    let evil = "\"'><script>alert(1)</script>&";
    let scale = Scale::of_counts(1);
    let values = vec![evil.to_owned(); 2];
    let times = vec![(0.5, evil.to_owned())];
    let frame = Frame { id: "c", title: evil, description: evil, scale, values, times, nothing: evil };
    let stack = Stack { label: evil.to_owned(), parts: Some(vec![1; SERIES_MAX]) };
    let drawings = [lines(&frame, &[vec![None]], true), bars(&frame, &[stack]), swatch("c", Some(1), false)];
    for svg in drawings {
        assert!(!svg.contains("<script") && !svg.contains("style") && !svg.contains(" on"), "{svg}");
        let escaped = svg.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
        assert!(!escaped.replace("&quot;", "").replace("&#39;", "").contains('&'));
        for place in svg.split("url(").skip(1) {
            assert!(place.starts_with("#c-"), "{place}");
        }
    }
}

#[test]
fn patterns_that_are_used_are_there() {
    let svg = bars(&frame(Scale::of_counts(9)), &stacks(&[Some(vec![1; SERIES_MAX]), None]));
    let used: std::collections::BTreeSet<_> =
        svg.split("url(#").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert_eq!(used.len(), SERIES_MAX, "the first has none, and a gap has one");
    for id in used {
        assert!(svg.contains(&format!("<pattern id=\"{id}\"")), "{id}");
    }
}

#[test]
fn scales_have_round_numbers() {
    let of_counts = |max| Scale::of_counts(max).ticks().to_vec();
    assert_eq!(of_counts(0), [0, 1]);
    assert_eq!(of_counts(3), [0, 1, 2, 3]);
    assert_eq!(of_counts(7), [0, 2, 4, 6, 8]);
    assert_eq!(of_counts(2_459), [0, 1_000, 2_000, 3_000]);
    let of_powers = |min, max| Scale::of_powers(min, max).ticks().to_vec();
    assert_eq!(of_powers(0, 0), [1, 10]);
    assert_eq!(of_powers(37, 1_000), [10, 100, 1_000]);
    assert_eq!(of_powers(1_000, 1_001), [1_000, 10_000]);
}

#[test]
fn numbers_are_written_as_people_write_them() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(whole), ["0", "999", "1,000", "1,234,567"]);
    let english = [1_500, 15_000, 2_000_000, 1_500_000_000].map(|number| short(number, Locale::English));
    assert_eq!(english, ["1,500", "15k", "2M", "1.5B"]);
    let japanese = [1_500, 15_000, 2_000_000, 150_000_000].map(|number| short(number, Locale::Japanese));
    assert_eq!(japanese, ["1,500", "1.5万", "200万", "1.5億"]);
    let spans = [0, 999, 1_000, 1_250, 654_321, 1_000_000, 90_000_000];
    let spans = spans.map(|us| span(std::time::Duration::from_micros(us)));
    assert_eq!(spans, ["0 µs", "999 µs", "1 ms", "1.2 ms", "654 ms", "1 s", "90 s"]);
}

/// Small, huge, or none.
fn value() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), (0..50_u64).prop_map(Some), any::<u64>().prop_map(Some), Just(Some(u64::MAX))]
}

proptest! {
    #[test]
    fn every_line_stays_within(series in prop::collection::vec(prop::collection::vec(value(), 0..40), 0..3)) {
        let all = || series.iter().flatten().flatten().copied();
        let (min, max) = (all().min().unwrap_or(0), all().max().unwrap_or(0));
        for scale in [Scale::of_counts(max), Scale::of_powers(min, max)] {
            let svg = lines(&frame(scale), &series, true);
            prop_assert!(all_within(&svg) > 0);
            prop_assert_eq!(svg.contains("Nothing"), all().next().is_none());
        }
    }

    #[test]
    fn every_bar_stays_within(
        all in prop::collection::vec(prop::option::of(prop::collection::vec(value(), SERIES_MAX)), 0..40),
    ) {
        let all: Vec<_> = all.into_iter()
            .map(|parts| parts.map(|parts| parts.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()))
            .collect();
        let stacks = stacks(&all);
        let max = stacks.iter().map(Stack::total).max().unwrap_or(0);
        let svg = bars(&frame(Scale::of_counts(max)), &stacks);
        prop_assert!(all_within(&svg) > 0);
        prop_assert_eq!(svg.contains("Nothing"), all.iter().all(Option::is_none));
    }

    #[test]
    fn ticks_grow_and_hold_every_value(min in any::<u64>(), max in any::<u64>(), value in any::<u64>()) {
        let (min, max) = (min.min(max), min.max(max));
        for scale in [Scale::of_counts(max), Scale::of_powers(min, max)] {
            let ticks = scale.ticks();
            prop_assert!(ticks.len() >= 2 && ticks.len() <= 21 && ticks.is_sorted_by(|one, next| one < next));
            prop_assert!(ticks[ticks.len() - 1] >= u128::from(max));
            prop_assert!((0.0..=1.0).contains(&scale.fraction(u128::from(value))));
            let places = ticks.iter().map(|tick| scale.fraction(*tick)).collect::<Vec<_>>();
            prop_assert!(places.is_sorted() && places[0] == 0.0 && (places[places.len() - 1] - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn no_number_is_too_big_to_be_written(number in any::<u128>()) {
        for locale in [Locale::English, Locale::Japanese] {
            prop_assert!(!short(number, locale).is_empty());
        }
        prop_assert!(short(number % 10_u128.pow(19), Locale::English).len() <= 10);
        prop_assert_eq!(whole(number).replace(',', ""), number.to_string());
    }
}
