//! Both languages, as a person meets them: chosen by the flag or the environment, in tables of any width.

use std::process::Command;

use super::{OTHER_PASSWORD, Place};

impl Place {
    /// What a command writes to standard output with these variables.
    fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
        command
            .args(args)
            .current_dir(self.0.path())
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env_remove("COLUMNS");
        let output = command.envs(env.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn the_language_is_that_of_the_flag_then_of_the_environment() {
    let place = Place::new();
    let japanese = "cloakroom: アカウント ada はありません。`cloakroom account list` で確認してください\n";
    let args = ["account", "enable", "ada"];
    assert_eq!(place.run_with(&args, &[("LANG", "ja_JP.UTF-8")]), japanese);
    assert_eq!(place.run_with(&args, &[("LC_ALL", "ja_JP.UTF-8"), ("LANG", "C")]), japanese);
    assert_eq!(place.run(&["--language", "ja", "account", "enable", "ada"]).refused(), japanese);
    let english = place.run_with(&["account", "enable", "ada", "--language=en"], &[("LANG", "ja_JP.UTF-8")]);
    assert_eq!(english, "cloakroom: no account ada: see `cloakroom account list`\n");
    let misused = place.run(&["--language=ja", "acount"]).misused();
    assert!(
        misused.starts_with("cloakroom: acount というコマンドはありません（account のことですか？）\n使い方: "),
        "{misused}"
    );
    assert!(place.run(&["--language", "fr"]).misused().contains("en, ja"));
    let help = place.run(&["account", "add", "--help", "--language", "ja"]).done();
    assert!(help.starts_with("アカウントを作成します\n") && help.contains("\n使い方: cloakroom account add"), "{help}");
    assert_eq!(help, place.run(&["--language", "ja", "help", "account", "add"]).done());
    assert!(place.run(&["help", "acount"]).refused().contains("no command acount"));
}

#[test]
fn an_account_in_japanese() {
    let place = Place::new();
    let run = |args: &[&str]| {
        place.run_with_input(&[&["--language", "ja", "account"], args].concat(), OTHER_PASSWORD.as_bytes())
    };
    assert_eq!(run(&["add", "007", "--password-stdin"]).done(), "007 を追加しました\n");
    assert_eq!(run(&["add", "hanako", "--admin", "--password-stdin"]).done(), "hanako を追加しました\n");
    let list = run(&["list"]).done();
    let lines: Vec<_> = list.lines().collect();
    assert!(
        lines[0].starts_with("ログイン名  権限    作成（UTC）          無効化（UTC）  ロック  サブジェクト"),
        "{list}"
    );
    assert!(lines[1].starts_with("007         一般    20") && lines[1].matches('/').count() == 2, "{list}");
    assert!(lines[2].starts_with("hanako      管理者  20"), "{list}");
    let question = run(&["remove", "hanako"]).refused();
    assert!(question.starts_with("cloakroom: hanako を完全に削除し、セッションを 0 件終了しますか？"), "{question}");
    assert!(question.ends_with("確認に答える人がいません。実行するには --yes を付けてください\n"), "{question}");
    assert_eq!(run(&["disable", "hanako", "--yes"]).done(), "hanako を無効にし、セッションを 0 件終了しました\n");
}

#[test]
fn a_table_is_as_wide_as_the_terminal() {
    let place = Place::new().with_account("ada").with_account("a-rather-long-login-name-that-goes-on-and-on");
    let whole = place.run(&["account", "list"]).done();
    assert!(!whole.contains('…') && whole.lines().next().unwrap().len() > 100, "{whole}");
    for columns in [30, 60, 90] {
        let out = place.run_with(&["account", "list"], &[("COLUMNS", &columns.to_string()), ("LANG", "C")]);
        assert_eq!(out.lines().count(), 3, "{out}");
        assert!(out.contains('…') && out.lines().all(|line| line.chars().count() <= columns), "{columns}: {out}");
    }
    let json = place.run_with(&["account", "list", "--json"], &[("COLUMNS", "30"), ("LANG", "ja_JP.UTF-8")]);
    assert_eq!(json, place.run(&["account", "list", "--json"]).done(), "JSON has neither width nor language");
}
