//! A published fuzzer of APIs (schemathesis) makes requests out of the document of the JSON interface, valid and not, as an administrator,
//! as anybody else who is signed in, as an application and as nobody: it finds nothing that is not as described.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Place, Server};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/standards/schemathesis");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
/// The same requests in every run.
const SEED: &str = "8";

/// Fuzzes so many requests for each operation, besides those that its limits and examples make; `args` are more for the tool.
fn fuzzed(server: &Server, who: &[(&str, &str)], examples: &str, args: &[&str]) {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/schemathesis");
    assert!(tool.exists(), "schemathesis is needed: `cargo xtask test` installs it");
    let (url, scratch) = (format!("http://{}", server.address()), TempDir::new().unwrap());
    let mut command = Command::new("python3");
    command.current_dir(scratch.path()).env("PYTHONPATH", format!("{}:{HERE}", tool.display()));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("ADDRESS", &url).envs(who.iter().copied());
    command.args([
        "-m",
        "schemathesis.cli",
        "--config-file",
        &format!("{HERE}/schemathesis.toml"),
        "--no-color",
        "run",
    ]);
    command.args(["--checks", "all", "--seed", SEED, "--generation-database", "none", "--warnings", "off"]);
    command.args(["--max-examples", examples, "--url", &url]).args(args).arg(DOCUMENT);
    let output = command.output().expect("python3 is needed: `cargo xtask test` installs it");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("No issues found"), "{who:?} {args:?}: {said}{errors}");
    let all = said.contains(&format!("{0} selected / {0} total", operations()));
    assert!(all || !args.is_empty(), "not every operation was asked: {said}");
    println!("{}", said.lines().rfind(|line| line.contains("generated")).unwrap_or_default());
}

/// How many the document has.
fn operations() -> usize {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(DOCUMENT).unwrap()).unwrap();
    document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum()
}

#[test]
fn a_published_fuzzer_finds_no_answer_that_is_not_described() {
    // Said by `cargo xtask test`, where the registry could not be reached.
    if std::env::var_os("CLOAKROOM_WITHOUT_SCHEMATHESIS").is_some() {
        println!("NOT RUN: schemathesis could not be fetched");
        return;
    }
    // Over https the cookie has the name that is described. One network makes all the wrong guesses; their names are locked as ever.
    let place = Place::new().with("PUBLIC_URL", "https://login.example.org").with("LOGIN__NETWORK_FAILURES", "1000000");
    let add = |args: &[&str]| {
        // The password of the document's examples, which succeed.
        let output = place.run_with_input(args, "a lighthouse keeper counts seven gulls");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    add(&["account", "add", "ada", "--password-stdin"]);
    add(&["account", "add", "grace", "--admin", "--password-stdin"]);
    let token = add(&["service-token", "add", "shop"]);
    let accounts: Value = serde_json::from_str(&add(&["account", "list", "--json"])).unwrap();
    let subject_of = |name| {
        let account = accounts.as_array().unwrap().iter().find(|account| account["login_name"] == name);
        account.unwrap()["subject"].as_str().unwrap().to_owned()
    };
    let server = place.serve();
    let (ada, grace) = (subject_of("ada"), subject_of("grace"));
    let signed_in =
        |subject| [("SCHEMATHESIS_HOOKS", "hooks"), ("SERVICE_TOKEN", token.as_str()), ("SUBJECT", subject)];
    fuzzed(&server, &signed_in(ada.as_str()), "5", &["--include-tag", "session", "--include-tag", "admin"]);
    fuzzed(&server, &[], "3", &[]);
    // Last: an administrator finds accounts and removes them.
    fuzzed(&server, &signed_in(grace.as_str()), "25", &[]);
    let log = server.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}
