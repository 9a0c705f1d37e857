//! Numbers and times as people write them: whole ones with their thousands apart, big ones short, durations in the unit that fits.

use std::time::Duration;

use crate::locale::Locale;

/// With thousands apart: `1,234,567`, in both languages.
pub(crate) fn whole(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Short enough for a scale: `1.5M`, `150万`. Exact for what a scale has on it.
pub(crate) fn short(number: u128, locale: Locale) -> String {
    let units: &[(u128, &str)] = match locale {
        Locale::English => &[(10_u128.pow(12), "T"), (10_u128.pow(9), "B"), (1_000_000, "M"), (1_000, "k")],
        Locale::Japanese => &[(10_u128.pow(16), "京"), (10_u128.pow(12), "兆"), (10_u128.pow(8), "億"), (10_000, "万")],
    };
    match units.iter().find(|(unit, _)| number >= *unit && number >= 10_000) {
        Some((unit, sign)) => format!("{}{sign}", tenths(number, *unit)),
        None => whole(number),
    }
}

/// In microseconds, milliseconds or seconds.
pub(crate) fn span(span: Duration) -> String {
    match span.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        micros @ 1_000..1_000_000 => format!("{} ms", tenths(micros, 1_000)),
        micros => format!("{} s", tenths(micros, 1_000_000)),
    }
}

/// So many units, with one digit after the point where that is not zero and there are less than a hundred.
fn tenths(number: u128, unit: u128) -> String {
    let tenths = number / (unit / 10);
    match (tenths / 10, tenths % 10) {
        (whole_units, rest) if rest > 0 && whole_units < 100 => format!("{whole_units}.{rest}"),
        (whole_units, _) => whole(whole_units),
    }
}
