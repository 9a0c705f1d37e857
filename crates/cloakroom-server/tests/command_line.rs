//! The command line as an operator meets it: processes, exit codes and what is written. What a server does with the
//! same database is tested beside the server.

#[cfg(test)]
mod command_line {
    mod config;
    mod ctrl_c;
    mod filter;
    mod for_programs;
    mod ground;
    mod language;
    mod printed;
    mod session;
    mod sweep;
    mod terminal;

    use std::io::Write as _;
    use std::process::{Command, Output, Stdio};

    use serde_json::Value;
    use tempfile::TempDir;

    const PASSWORD: &str = "violet tractor hums at noon";
    const OTHER_PASSWORD: &str = "seven quiet lanterns drift east";

    /// A directory of its own, in which commands run.
    struct Place(TempDir);

    /// How a command ended.
    #[derive(Debug)]
    struct Ended {
        code: Option<i32>,
        out: String,
        err: String,
    }

    impl From<Output> for Ended {
        fn from(output: Output) -> Self {
            let text = |bytes| String::from_utf8(bytes).unwrap();
            Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
        }
    }

    impl Ended {
        /// Exit 0 and nothing on stderr; returns what was written.
        #[track_caller]
        fn done(self) -> String {
            assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
            self.out
        }

        /// Exit 1 with one line; returns that line.
        #[track_caller]
        fn refused(self) -> String {
            assert_eq!(self.code, Some(1), "{self:?}");
            assert!(self.err.starts_with("cloakroom: ") && self.err.matches('\n').count() == 1, "{self:?}");
            self.err
        }

        /// Exit 2; returns what clap says.
        #[track_caller]
        fn misused(self) -> String {
            assert_eq!((self.code, self.out.as_str()), (Some(2), ""), "{}", self.err);
            self.err
        }
    }

    impl Place {
        fn new() -> Self {
            Self(TempDir::new().unwrap())
        }

        fn with_account(self, name: &str) -> Self {
            let out = self.run_with_input(&["account", "add", name, "--password-stdin"], PASSWORD.as_bytes()).done();
            assert_eq!(out, format!("added {name}\n"));
            self
        }

        fn run(&self, args: &[&str]) -> Ended {
            self.run_with_input(args, b"")
        }

        fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ended {
            let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
            for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLOAKROOM_")) {
                command.env_remove(name);
            }
            command.args(args).current_dir(self.0.path()).env("LC_ALL", "C").env_remove("COLUMNS");
            let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = piped.spawn().unwrap();
            // A command that does not read its input closes the pipe.
            let _ = child.stdin.take().unwrap().write_all(input);
            child.wait_with_output().unwrap().into()
        }

        fn accounts(&self) -> Vec<Value> {
            serde_json::from_str(&self.run(&["account", "list", "--json"]).done()).unwrap()
        }

        fn has_database(&self) -> bool {
            self.0.path().join("cloakroom.db").exists()
        }
    }

    #[test]
    fn an_account_from_its_beginning_to_its_end() {
        let place = Place::new().with_account("ada");
        place
            .run_with_input(
                &["account", "add", " BOB ", "--admin", "--password-stdin"],
                b"seven quiet lanterns drift east\r\n",
            )
            .done();
        let accounts = place.accounts();
        let of = |key: &str| accounts.iter().map(|account| account[key].clone()).collect::<Vec<_>>();
        assert_eq!(of("login_name"), ["ada", "bob"]);
        assert_eq!(of("role"), ["person", "administrator"]);
        assert_eq!(of("disabled_at"), [Value::Null, Value::Null]);
        assert!(of("created_at").iter().all(|time| time.as_str().unwrap().ends_with('Z')), "{accounts:?}");
        assert_ne!(accounts[0]["subject"], accounts[1]["subject"]);
        assert_eq!(accounts[0].as_object().unwrap().len(), 6, "nothing else is shown");

        assert_eq!(place.run(&["account", "disable", "Ada", "--yes"]).done(), "disabled ada; 0 sessions ended\n");
        assert!(place.accounts()[0]["disabled_at"].is_string());
        assert_eq!(place.run(&["account", "enable", "ada"]).done(), "enabled ada\n");
        assert!(place.accounts()[0]["disabled_at"].is_null());

        assert!(place.run(&["account", "remove", "ada"]).refused().contains("--yes"));
        assert_eq!(place.accounts().len(), 2);
        assert_eq!(place.run(&["account", "remove", "ada", "--yes"]).done(), "removed ada; 0 sessions ended\n");
        assert_eq!(place.accounts().len(), 1);
    }

    #[test]
    fn accounts_line_up() {
        let place = Place::new().with_account("ada").with_account("a-longer-name");
        let list = place.run(&["account", "list"]).done();
        let at = |line: &str, word: &str| line.find(word).unwrap();
        let lines: Vec<_> = list.lines().collect();
        assert_eq!(lines.len(), 3, "{list}");
        assert!(lines[1].starts_with("a-longer-name") && lines[2].starts_with("ada "), "{list}");
        let column = at(lines[0], "role");
        assert_eq!((at(lines[1], "person"), at(lines[2], "person")), (column, column), "{list}");
    }

    #[test]
    fn empty_lists_are_lists() {
        let place = Place::new();
        assert_eq!(place.run(&["account", "list", "--json"]).done(), "[]\n");
        assert_eq!(place.run(&["session", "list", "--json"]).done(), "[]\n");
        assert_eq!(place.run(&["session", "list"]).done().lines().count(), 1, "the titles");
    }

    /// One more than a page of the store, so that a list has to ask twice.
    #[test]
    fn a_list_goes_on_after_a_page() {
        let place = Place::new().with_account("ada");
        let copies = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
            INSERT INTO accounts (subject, login_name, password_hash, role, created_at, password_changed_at)
            SELECT printf('s%d', i), printf('n%d', i), password_hash, role, created_at, password_changed_at FROM n, accounts";
        let path = place.0.path().join("cloakroom.db");
        let output = Command::new("sqlite3").arg("-bail").arg(path).arg(copies).output();
        let output = output.expect("the sqlite3 shell is needed: `cargo xtask test` installs it");
        assert!(output.status.success(), "{output:?}");
        let mut names: Vec<_> = place.accounts().iter().map(|a| a["login_name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names.len(), 501);
        names.dedup();
        assert_eq!(names.len(), 501);
        assert_eq!(place.run(&["account", "list"]).done().lines().count(), 502);
    }

    #[test]
    fn a_name_is_taken_once() {
        let place = Place::new().with_account("ada");
        let again = place.run_with_input(&["account", "add", "ADA", "--password-stdin"], OTHER_PASSWORD.as_bytes());
        assert!(again.refused().contains("account ada already"));
        assert_eq!(place.accounts().len(), 1);
    }

    #[test]
    fn who_is_not_there_is_not_found() {
        let place = Place::new();
        for command in ["password", "disable", "enable", "remove"] {
            let line = place.run(&["account", command, "ada"]).refused();
            assert_eq!(line, "cloakroom: no account ada: see `cloakroom account list`\n", "{command}");
        }
        assert!(place.run(&["account", "disable", "a\u{202e}b"]).misused().contains("zero-width"));
    }

    #[test]
    fn a_bad_password_is_refused_with_its_reason_and_never_shown() {
        let place = Place::new();
        for (password, reason) in [
            ("", "no password on standard input"),
            ("\n", "at least 15 are needed"),
            ("shortish-one\n", "at least 15 are needed"),
            ("correct horse battery staple\n", "tried first"),
            ("a tab\tin the middle of it", "control character"),
            (&"xyzzy ".repeat(50), "At most 256"),
            (&"xyzzy ".repeat(1000), "more than 4,096 bytes"),
        ] {
            let ended = place.run_with_input(&["account", "add", "ada", "--password-stdin"], password.as_bytes());
            let typed = password.trim();
            assert!(typed.is_empty() || !format!("{}{}", ended.out, ended.err).contains(typed), "{ended:?}");
            let line = ended.refused();
            assert!(line.contains(reason), "{password:?}: {line}");
        }
        let not_text =
            place.run_with_input(&["account", "add", "ada", "--password-stdin"], b"\xff violet tractor hums\n");
        assert!(not_text.refused().contains("UTF-8"));
        assert!(place.accounts().is_empty());
    }

    #[test]
    fn a_password_is_never_an_argument() {
        let place = Place::new();
        place.run(&["account", "add", "ada", PASSWORD]).misused();
        let line = place.run(&["account", "add", "ada"]).refused();
        assert!(line.contains("no terminal") && line.contains("--password-stdin"), "{line}");
        assert!(place.accounts().is_empty());
    }

    #[test]
    fn a_password_is_changed_and_nothing_of_it_is_shown() {
        let place = Place::new().with_account("ada");
        let stored = || {
            place.run(&["account", "list"]).done(); // closes the database, which empties the write-ahead log into it
            std::fs::read(place.0.path().join("cloakroom.db")).unwrap()
        };
        let before = stored();
        let short = place.run_with_input(&["account", "password", "ada", "--password-stdin"], b"shortish-one");
        assert!(short.refused().contains("at least 15 are needed"));
        assert_eq!(stored(), before);
        let args = ["account", "password", "ada", "--password-stdin", "--yes"];
        let out = place.run_with_input(&args, OTHER_PASSWORD.as_bytes()).done();
        assert_eq!(out, "changed the password of ada; 0 sessions ended\n");
        let after = stored();
        assert_ne!(after, before);
        let holds = |text: &str| after.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds("$argon2id$") && !holds(PASSWORD) && !holds(OTHER_PASSWORD));
        let lists = place.run(&["account", "list"]).done() + &place.run(&["account", "list", "--json"]).done();
        assert!(!lists.contains("argon2"), "{lists}");
    }

    #[test]
    fn migrations_go_up_and_down() {
        let place = Place::new();
        for args in [&["status"][..], &["down"], &["down", "--yes"]] {
            assert!(place.run(&[&["migrate"], args].concat()).refused().contains("does not exist"));
        }
        assert!(!place.has_database(), "only `up` makes one");
        let applied = "applied 0001_sessions\napplied 0001_accounts\n";
        assert_eq!(place.run(&["migrate"]).done(), applied);
        assert_eq!(place.run(&["migrate", "up"]).done(), "nothing to do\n");
        assert_eq!(place.run(&["migrate", "status"]).done(), "0001_sessions  applied\n0001_accounts  applied\n");
        let place = place.with_account("ada");

        let ended = place.run(&["migrate", "down"]);
        assert!(
            ended.out.contains("would drop accounts: 1 row (nobody can sign in until the accounts are made anew)\n"),
            "{ended:?}"
        );
        assert!(ended.out.contains("sessions: 0 rows (everybody is signed out)\n"), "{ended:?}");
        assert!(ended.out.ends_with("no row can be kept: there is no earlier form of these tables\n"), "{ended:?}");
        let ended_out = ended.out.clone();
        assert!(ended.refused().contains("--yes"));
        assert_eq!(place.run(&["migrate", "down", "--dry-run"]).done(), ended_out);
        let json: Value = serde_json::from_str(&place.run(&["migrate", "down", "--dry-run", "--json"]).done()).unwrap();
        assert_eq!((json["dry_run"].as_bool(), json["tables"].as_array().map(Vec::len)), (Some(true), Some(8)));
        // What people notice is said of each table: no message is missing, which would show as its key.
        assert!(!ended_out.contains("migrate-gone"), "{ended_out}");
        assert_eq!(place.accounts().len(), 1);

        assert!(
            place.run(&["migrate", "down", "--yes"]).done().contains("dropping accounts: 1 row (nobody can sign in")
        );
        assert_eq!(place.run(&["migrate", "status"]).done(), "0001_sessions  missing\n0001_accounts  missing\n");
        assert_eq!(place.run(&["migrate", "down"]).done(), "nothing to do\n");
        assert_eq!(place.run(&["migrate", "up"]).done(), applied);
        assert!(place.accounts().is_empty());
    }

    #[test]
    fn what_may_not_migrate_says_so() {
        let place = Place::new();
        std::fs::write(place.0.path().join("cloakroom.toml"), "[database]\nmigrate = false\n").unwrap();
        assert!(place.run(&["account", "list"]).refused().contains("run cloakroom migrate up"));
        place.run(&["migrate", "up"]).done();
        assert_eq!(place.run(&["account", "list", "--json"]).done(), "[]\n");
    }

    #[test]
    fn what_is_no_database_is_left_alone() {
        let place = Place::new();
        let path = place.0.path().join("cloakroom.db");
        std::fs::write(&path, "not a database, but long enough to be asked for its header".repeat(20)).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(place.run(&["account", "list"]).refused().contains("SQLite database"));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn usage() {
        let place = Place::new();
        assert!(place.run(&["acount"]).misused().contains("account"));
        assert!(place.run(&["account", "lst"]).misused().contains("list"));
        place.run(&["account"]).misused();
        place.run(&["migrate", "sideways"]).misused();
        assert!(place.run(&["--help"]).done().contains("migrate"));
        assert!(place.run(&["--version"]).done().starts_with("cloakroom "));
        assert!(!place.has_database());
    }
}
