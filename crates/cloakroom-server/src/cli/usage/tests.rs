//! Usage errors in both languages.

use super::*;
use crate::cli::tree;
use crate::locale::Locale;

fn said(args: &[&str], locale: Locale) -> String {
    let voice = Voice::of(locale).unwrap();
    let error = tree(&voice).try_get_matches_from(["cloakroom"].iter().chain(args)).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{args:?}");
    explained(&error, &voice)
}

#[test]
fn what_is_wrong_is_said_in_the_language() {
    for (args, english, japanese) in [
        (
            &["acount"][..],
            "there is no command acount; did you mean account?",
            "acount というコマンドはありません（account のことですか？）",
        ),
        (
            &["account", "add", "ada", "--admn"],
            "there is no option or argument --admn here; did you mean --admin?",
            "--admn というオプションや引数は、ここにはありません（--admin のことですか？）",
        ),
        (&["account", "add"], "something is missing: <NAME>", "指定が足りません: <NAME>"),
        (&["--config"], "--config <FILE> needs a value", "--config <FILE> には値が必要です"),
        (
            &["--language", "fr"],
            "fr is none of the values of --language <LANGUAGE>: en, ja",
            "--language <LANGUAGE> に fr は指定できません。指定できる値: en, ja",
        ),
        (
            &["account", "enable", " "],
            "  cannot be <NAME>: a login name cannot be empty",
            "<NAME> に   は指定できません。ログイン名を空にすることはできません",
        ),
        (
            &["session", "end", "x"],
            "x cannot be [ID]: a session id is a UUID such as 0199b7c2-0000-7000-8000-000000000000",
            "[ID] に x は指定できません。セッション ID は 0199b7c2-0000-7000-8000-000000000000 のような UUID です",
        ),
        (
            &["event", "list", "--limit", "many"],
            "many cannot be --limit <N>: invalid digit found in string",
            "--limit <N> に many は指定できません。invalid digit found in string",
        ),
        (
            &["session", "end", "--everyone", "--subject", "ada"],
            "--everyone and --subject <S> do not go together",
            "--everyone と --subject <S> は同時に指定できません",
        ),
        (&["version", "--json", "--json"], "--json may be given only once", "--json は一度しか指定できません"),
    ] {
        assert_eq!(said(args, Locale::English), english);
        assert_eq!(said(args, Locale::Japanese), japanese);
    }
}
