//! What is printed to become a file: completions, manual pages, the migration.

use std::process::Command;

use super::Place;

#[test]
fn completions_are_scripts_that_their_shell_can_read() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).done();
        assert!(script.contains("account") && script.contains("password-stdin"), "{shell}");
        let in_japanese = place.run(&["completions", shell, "--language", "ja"]).done();
        assert_eq!(in_japanese.contains("アカウントを作成します"), shell != "bash", "{shell}");
    }
    let script = place.run(&["completions", "bash"]).done();
    let complete = "COMP_WORDS=(cloakroom acc); COMP_CWORD=1; _cloakroom cloakroom acc cloakroom; echo ${COMPREPLY[*]}";
    let output = Command::new("bash").args(["-c", &format!("{script}\n{complete}")]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "account\n", "{output:?}");
}

#[test]
fn manual_pages_are_in_the_language() {
    let place = Place::new();
    let page = place.run(&["man"]).done();
    for heading in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH \"OPTIONS OF EVERY COMMAND\"", ".SH EXAMPLES"] {
        assert!(page.contains(heading), "{heading}: {page}");
    }
    let page = place.run(&["man", "--language", "ja"]).done();
    for text in [".SH 名前", ".SH 書式", ".SH 説明", ".SH コマンド", ".SH 例", "設定ファイル"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains(".SH NAME"), "{page}");
    let directory = place.0.path().join("man1");
    let out = place.run(&["man", "--directory", "man1"]).done();
    let mut names: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(
        ["cloakroom.1", "cloakroom-account.1", "cloakroom-account-add.1"]
            .iter()
            .all(|name| names.contains(&(*name).to_owned())),
        "{names:?}"
    );
    assert_eq!(out, format!("wrote {} pages into man1\n", names.len()));
    let page = std::fs::read_to_string(directory.join("cloakroom-account-add.1")).unwrap();
    assert!(page.contains("cloakroom account add grace \\-\\-admin"), "{page}");
}

#[test]
fn the_migration_is_the_same_text_in_every_language() {
    let place = Place::new();
    for args in [&["--dialect", "postgres"][..], &["--dialect", "sqlite", "--down"], &["--dialect", "prisma"]] {
        let of = |language| place.run(&[&["--language", language, "migration"], args].concat()).done();
        assert_eq!(of("en"), of("ja"));
    }
    let models = place.run(&["migration", "--dialect", "prisma"]).done();
    // Every table that the SQL makes is a model, or Prisma would drop it.
    let sql = place.run(&["migration", "--dialect", "postgres"]).done();
    let tables = sql.lines().filter_map(|line| line.strip_prefix("CREATE TABLE "));
    let tables: Vec<_> = tables.map(|rest| rest.trim_start_matches("IF NOT EXISTS ").trim_end_matches(" (")).collect();
    assert_eq!(tables.len(), 5, "{tables:?}");
    for table in tables {
        assert!(models.contains(&format!("@@map(\"{table}\")")), "{table}");
    }
    assert!(!place.has_database(), "printing needs none");
}
