//! On a terminal, made by `script` of util-linux: questions are asked there, and tables are as wide as it is.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::Place;
use super::session::HOUR;

impl Place {
    /// What a line writes on a terminal of this many columns on which `input` is typed.
    fn on_terminal(&self, line: &str, columns: usize, input: &str) -> String {
        let line =
            format!("stty rows 24 cols {columns} && {line}").replace("cloakroom", env!("CARGO_BIN_EXE_cloakroom"));
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(self.0.path()).env("LC_ALL", "C").env_remove("COLUMNS");
        let piped = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = piped.expect("script is needed, which is part of util-linux");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }
}

#[test]
fn a_question_is_asked_and_answered() {
    let place = Place::new().with_account("ada");
    place.issue(&place.subject("ada"), HOUR);
    for answer in ["\n", "n\n", "no\n", "maybe\n"] {
        let said = place.on_terminal("cloakroom account disable ada", 80, answer);
        assert!(said.contains("Disable ada and end 1 session? [y/N] "), "{said}");
        assert!(said.contains("cloakroom: nothing was changed"), "{answer:?}: {said}");
    }
    assert_eq!(place.sessions(&[]).len(), 1);
    let said = place.on_terminal("cloakroom account disable ada --language ja", 80, "はい\n");
    assert!(said.contains("ada を無効にし、セッションを 1 件終了しますか？ [y/N] "), "{said}");
    assert!(said.contains("ada を無効にし、セッションを 1 件終了しました"), "{said}");
    assert!(place.sessions(&[]).is_empty());
}

#[test]
fn a_table_fits() {
    let place = Place::new().with_account("ada").with_account("a-rather-long-login-name-that-goes-on-and-on");
    for columns in [40, 70, 100] {
        let said = place.on_terminal("cloakroom account list", columns, "");
        let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(lines.len(), 3, "{said}");
        assert!(lines.iter().all(|line| line.trim_end().chars().count() <= columns), "{columns}: {said}");
        assert!(said.contains('…') && lines.iter().any(|line| line.trim_end().chars().count() + 8 > columns), "{said}");
    }
}
