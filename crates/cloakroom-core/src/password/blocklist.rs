//! The list of common passwords (ASVS 5.0 6.2.4 and 6.2.12). What is on it and how it was made: `docs/password.md`.

/// Folded, sorted by bytes, one a line.
const LIST: &str = include_str!("blocklist.txt");

/// Whether a folded text is on the list as a whole (NIST SP 800-63B-4 3.1.1.2: never because a part of it is).
pub(super) fn is_common(folded: &str) -> bool {
    // Binary search over bytes, each time moved back to the start of its line: no table has to be built.
    let (mut low, mut high) = (0, LIST.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = LIST.as_bytes()[..middle].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1).max(low);
        let Some(line) = LIST[start..high].split('\n').next() else { return false };
        match line.cmp(folded) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PASSWORD_CHARS_MIN;
    use crate::password::fold::folded;

    #[test]
    fn the_list_is_sorted_unique_folded_and_long_enough() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(LIST.ends_with('\n') && !LIST.contains('\r'));
        let long_enough = lines.iter().filter(|line| line.chars().count() >= PASSWORD_CHARS_MIN).count();
        assert!(long_enough >= 3_000, "ASVS 5.0 6.2.4 asks for 3,000 that the length rule lets through: {long_enough}");
        for pair in lines.windows(2) {
            assert!(pair[0] < pair[1], "not sorted or twice: {pair:?}");
        }
        for line in lines {
            // A phrase of twelve has fifteen with its spaces or commas.
            assert!(line.chars().count() >= 12, "too short to matter: {line}");
            assert_eq!(**folded(line), *line, "not folded");
        }
    }

    #[test]
    fn every_line_is_found_and_its_neighbours_are_not() {
        for line in LIST.lines() {
            assert!(is_common(line), "{line}");
        }
        for other in [
            "",
            "\n",
            "0",
            "zzzzzzzzzzzzzzzzzzzzzzzz",
            "\u{10ffff}",
            "correcthorsebatterystapl",
            "violettractorhumsatnoon",
        ] {
            assert!(!is_common(other), "{other:?}");
        }
        let first = LIST.lines().next().unwrap();
        assert!(!is_common(&first[1..]) && !is_common(&format!("{first}\n")));
    }
}
