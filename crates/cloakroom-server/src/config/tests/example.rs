//! The example file: generated, checked in, and worth something.

use super::*;
use crate::config::example;

fn file() -> String {
    example::file(&Voice::of(Locale::Japanese).unwrap())
}

#[test]
fn the_file_that_is_checked_in_is_the_one_that_is_generated() {
    let checked_in = include_str!("../../../../../examples/cloakroom.toml");
    assert_eq!(checked_in, file(), "run `cloakroom config example > examples/cloakroom.toml`");
}

#[test]
fn as_it_is_it_changes_nothing() {
    let example = given(&file());
    assert_eq!(effective(&example.inputs).unwrap(), effective(&given("").inputs).unwrap());
}

#[test]
fn every_line_can_be_used() {
    let is_setting = |line: &str| line.starts_with('#') && line.contains(" = ") && !line.starts_with("# ");
    let with_all: Vec<_> = file()
        .lines()
        .filter(|line| !line.starts_with("#url_file"))
        .map(|line| if is_setting(line) { line[1..].to_owned() } else { line.to_owned() })
        .collect();
    let all = given(&with_all.join("\n"));
    all.load().unwrap();
    let shown = effective(&all.inputs).unwrap();
    assert!(!shown.contains("is not set") && !shown.contains("# default"), "{shown}");
}
