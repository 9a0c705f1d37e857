//! What `docs/standards.md` claims: every requirement has its line, and every test it names exists.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

const STANDARDS: &str = "docs/standards.md";

/// How a requirement may be met without a test.
const WITHOUT_TEST: &[&str] = &["not applicable:", "document:", "deviation:", "open:"];

/// Every line's proof is a test that exists, or says why there is none; no requirement is left out.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.file(STANDARDS) else { return Vec::new() };
    let tests = tests(tree);
    let mut findings = Vec::new();
    let mut answered = BTreeSet::new();
    for (number, line) in page.lines() {
        let Some([id, _, _, proof]) = cells(line) else { continue };
        answered.insert(id.to_owned());
        let named: Vec<&str> = proof.split('`').skip(1).step_by(2).filter(|name| is_test_name(name)).collect();
        let unknown = named.iter().filter(|name| !tests.contains(last(name)));
        findings
            .extend(unknown.map(|name| Finding::new(STANDARDS, number, format!("{id}: there is no test `{name}`"))));
        let is_said = WITHOUT_TEST.iter().any(|word| proof.starts_with(word));
        if named.is_empty() && !is_said {
            let what = format!("{id}: the proof names neither a test nor one of {}", WITHOUT_TEST.join(" "));
            findings.push(Finding::new(STANDARDS, number, what));
        }
    }
    let missing = required().into_iter().filter(|id| !answered.contains(id));
    findings.extend(missing.map(|id| Finding::new(STANDARDS, 0, format!("no line answers {id}"))));
    findings
}

/// The requirements of the chapters that are claimed whole (ASVS 5.0 V7; V3 up to level 2) and the named ones of others.
fn required() -> Vec<String> {
    let chapters: &[(&str, &[u8])] = &[
        ("7.1", &[1, 2, 3]),
        ("7.2", &[1, 2, 3, 4]),
        ("7.3", &[1, 2]),
        ("7.4", &[1, 2, 3, 4, 5]),
        ("7.5", &[1, 2, 3]),
        ("7.6", &[1, 2]),
        ("6.1", &[1, 2, 3]),
        ("6.2", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("6.3", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("6.4", &[1, 2, 3, 6]),
        ("3.3", &[1, 2, 3, 4, 5]),
        ("3.4", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("3.5", &[1, 2, 3, 8]),
        ("16.2", &[1, 2, 3, 4, 5]),
        ("16.3", &[1, 2, 3, 4]),
        ("16.5", &[1, 2, 3]),
        ("14.3", &[1, 2, 3]),
        ("8.2", &[1, 2]),
        ("8.3", &[1, 2]),
    ];
    let single = ["3.7.2", "11.2.4", "11.4.2", "11.5.1", "12.2.1", "13.4.4", "14.2.1", "14.2.5", "16.4.1"];
    let of_chapter = |(chapter, numbers): &(&str, &'static [u8])| {
        let chapter = (*chapter).to_owned();
        numbers.iter().map(move |number| format!("{chapter}.{number}"))
    };
    chapters.iter().flat_map(of_chapter).chain(single.map(str::to_owned)).collect()
}

/// The cells of a row of a table, without its heading and its rule.
fn cells(line: &str) -> Option<[&str; 4]> {
    let row = line.strip_prefix('|')?.strip_suffix('|')?;
    let cells: [&str; 4] = row.split('|').map(str::trim).collect::<Vec<_>>().try_into().ok()?;
    let is_heading = cells[0].starts_with('-') || cells[3] == "proof";
    (!is_heading).then_some(cells)
}

fn is_test_name(name: &str) -> bool {
    name.contains('_') && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | ':'))
}

fn last(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// The name of every function under `#[test]` or `#[tokio::test]`, and of the property tests.
fn tests(tree: &Tree) -> BTreeSet<&str> {
    tree.ending(&[".rs"]).flat_map(tests_in).collect()
}

fn tests_in(file: &File) -> Vec<&str> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let is_marked = |at: usize| {
        let before = lines.get(at.saturating_sub(4)..at).unwrap_or_default();
        before
            .iter()
            .rev()
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
            .any(|line| line.contains("test"))
    };
    let marked = lines.iter().enumerate().filter(|(at, _)| is_marked(*at));
    marked.filter_map(|(_, line)| name(line)).collect()
}

/// Of a line that begins a function.
fn name(line: &str) -> Option<&str> {
    line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?.split('(').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: (&str, &str) =
        ("a/tests/x.rs", "#[tokio::test]\nasync fn a_test_that_is() {}\nfn no_test_at_all() {}\n");

    fn found(row: &str) -> Vec<String> {
        let page = format!("| id | level | met by | proof |\n| --- | --- | --- | --- |\n{row}\n");
        let findings = check(&Tree::with(&[TEST, (STANDARDS, &page)]));
        findings.into_iter().filter(|finding| finding.line > 0).map(|finding| finding.what).collect()
    }

    #[test]
    fn a_named_test_has_to_be_one() {
        assert_eq!(found("| 7.1.1 | 2 | x | `x::a_test_that_is` |"), Vec::<String>::new());
        assert_eq!(found("| 7.1.1 | 2 | x | `no_test_at_all` |"), ["7.1.1: there is no test `no_test_at_all`"]);
        assert!(found("| 7.1.1 | 2 | x | believe me |")[0].contains("names neither"));
        assert_eq!(found("| 7.1.3 | 2 | x | not applicable: no federation |"), Vec::<String>::new());
    }

    #[test]
    fn a_requirement_without_a_line_is_found() {
        let findings = check(&Tree::with(&[TEST, (STANDARDS, "| 7.1.1 | 2 | x | `a_test_that_is` |\n")]));
        assert!(findings.iter().any(|finding| finding.what == "no line answers 7.1.2"));
        assert!(!findings.iter().any(|finding| finding.what == "no line answers 7.1.1"));
    }
}
