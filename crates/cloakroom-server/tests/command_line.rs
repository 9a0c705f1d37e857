//! The command line as an operator types it: exit codes, one line when refused, no password anywhere.

#[cfg(test)]
mod command_line {
    use std::io::Write as _;
    use std::process::{Command, Output, Stdio};

    use tempfile::TempDir;

    const PASSWORD: &str = "violet tractor hums at noon";

    struct Place(TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn run(&self, args: &[&str], input: &str) -> (i32, String, String) {
            let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
            for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLOAKROOM_")) {
                command.env_remove(name);
            }
            command.args(args).current_dir(self.0.path());
            let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = pipes.spawn().unwrap();
            // A command that does not read its input closes the pipe.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
            let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
            assert!(!format!("{out}{err}").contains(PASSWORD), "a password is shown");
            assert!(!err.contains("panicked"), "{err}");
            (status.code().unwrap(), out, err)
        }

        fn done(&self, args: &[&str]) -> String {
            let (code, out, err) = self.run(args, PASSWORD);
            assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
            out
        }

        fn refused(&self, args: &[&str], input: &str) -> String {
            let (code, _, err) = self.run(args, input);
            assert_eq!((code, err.lines().count()), (1, 1), "{args:?}: {err}");
            err
        }
    }

    #[test]
    fn accounts_from_beginning_to_end() {
        let place = Place::new();
        assert_eq!(place.done(&["account", "add", "Ada", "--admin", "--password-stdin"]), "added ada\n");
        place.done(&["account", "add", "bob", "--password-stdin"]);
        assert!(place.refused(&["account", "add", "ADA", "--password-stdin"], PASSWORD).contains("already"));
        let list = place.done(&["account", "list"]);
        let line = |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(line("ada").contains("administrator") && line("bob").contains("person"), "{list}");
        assert_eq!(place.done(&["account", "disable", "bob"]), "disabled bob; sessions ended: 0\n");
        let json: serde_json::Value = serde_json::from_str(&place.done(&["account", "list", "--json"])).unwrap();
        assert_eq!(json.as_array().unwrap().len(), 2);
        assert!(json[0]["disabled_at"].is_null() && json[1]["disabled_at"].is_string());
        assert!(!json.to_string().contains("argon2"), "no hashes");
        place.done(&["account", "enable", "bob"]);
        place.done(&["account", "password", "bob", "--password-stdin"]);
        assert!(place.refused(&["account", "remove", "bob"], "").contains("--yes"));
        assert_eq!(place.done(&["account", "remove", "bob", "--yes"]), "removed bob; sessions ended: 0\n");
        assert!(place.refused(&["account", "disable", "bob"], "").contains("no account bob"));
    }

    #[test]
    fn refused_passwords_say_why() {
        let place = Place::new();
        let add = ["account", "add", "ada", "--password-stdin"];
        for (input, why) in [
            ("short\n", "at least 15"),
            ("passwordpassword", "common"),
            ("zebra zebra zebra", "easy to guess"),
            ("cloakroom-ada-cloakroom", "little more than"),
            ("", "no password"),
        ] {
            let said = place.refused(&add, input);
            assert!(said.contains(why), "{said}");
            assert!(input.len() < 6 || !said.contains(input.trim()), "{said}");
        }
        assert!(place.refused(&["account", "add", "ada"], "").contains("--password-stdin"), "no terminal");
        assert!(place.refused(&["account", "add", "a\u{202e}b", "--password-stdin"], PASSWORD).contains("login name"));
        assert_eq!(place.done(&["account", "list", "--json"]).trim(), "[\n]");
    }

    #[test]
    fn sessions_that_are_not_there() {
        let place = Place::new();
        let id = "0199b7c2-0000-7000-8000-000000000000";
        assert!(place.refused(&["session", "end", id], "").contains("no session"));
        assert!(place.refused(&["session", "end", "nonsense"], "").contains("not a session id"));
        assert!(place.refused(&["session", "end", "--everyone"], "").contains("--yes"));
        assert_eq!(place.done(&["session", "end", "--everyone", "--yes"]), "sessions ended: 0\n");
        assert_eq!(place.done(&["session", "end", "--subject", "whoever"]), "sessions ended: 0\n");
        assert_eq!(place.done(&["session", "list"]), "");
    }

    #[test]
    fn migrations_up_and_down() {
        let place = Place::new();
        assert!(place.refused(&["migrate", "status"], "").contains("does not exist"));
        assert_eq!(place.done(&["migrate"]), "applied 0001_sessions\napplied 0001_accounts\n");
        assert_eq!(place.done(&["migrate", "up"]), "nothing to do\n");
        place.done(&["account", "add", "ada", "--password-stdin"]);
        let (code, out, err) = place.run(&["migrate", "down"], "");
        assert_eq!(code, 1);
        assert!(out.contains("would drop accounts: 1 rows") && err.contains("--yes"), "{out}{err}");
        assert!(place.done(&["migrate", "down", "--yes"]).contains("dropping accounts: 1 rows"));
        assert!(place.done(&["migrate", "status"]).contains("0001_sessions    missing"));
    }

    #[test]
    fn usage_is_2() {
        let place = Place::new();
        for args in [
            &["acount", "list"][..],
            &["account", "add"],
            &["session", "end"],
            &["session", "end", "--everyone", "--subject", "x"],
            &["--listne", "x"],
        ] {
            let (code, _, err) = place.run(args, "");
            assert_eq!(code, 2, "{args:?}: {err}");
        }
        assert!(place.run(&["acount"], "").2.contains("'account'"), "suggests");
        assert_eq!(place.run(&["--version"], "").0, 0);
        let (code, _, err) = place.run(&["config", "check"], "");
        assert_eq!((code, err.as_str()), (0, ""));
        std::fs::write(place.0.path().join("cloakroom.toml"), "[session]\nidle_timout = \"1h\"\n").unwrap();
        assert!(place.refused(&["account", "list"], "").contains("idle_timeout"), "suggests the key");
    }
}
