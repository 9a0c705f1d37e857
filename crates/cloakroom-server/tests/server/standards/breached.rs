//! ASVS 5.0 6.2.12: no password of the operator's file of breached ones, whoever sets it; and no password at all while nobody can look it up.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use crate::client::{Answer, Client};
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

const LISTED: &str = "five wooden owls count the rain";
/// SHA-1 of `LISTED`.
const HASH: &str = "250479C45E3B1BD546917F43499A2BA0F43B0586";
const FILE: &str = "breached.txt";

/// A place with a file of some thousand hashes, as Pwned Passwords writes them.
fn place() -> Place {
    let place = Place::new().with("PASSWORD__BREACHED_HASHES", FILE);
    write(&place);
    place
}

fn write(place: &Place) {
    let others = (0..4_000_u32).map(|n| format!("{:08X}{:032X}", n.wrapping_mul(2_654_435_761), n));
    let hashes: BTreeSet<String> = others.chain([HASH.to_owned()]).collect();
    let lines: String = hashes.iter().map(|hash| hash.clone() + ":37\r\n").collect();
    fs::write(place.file(FILE), lines).unwrap();
}

fn change(client: &mut Client, new: &str) -> Answer {
    let fields = [("current_password", PASSWORD), ("new_password", new), ("new_password_again", new)];
    client.submit("/account/password", &fields)
}

#[test]
fn a_breached_password_is_refused_with_its_reason_wherever_it_is_set() {
    let place = place().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let before = place.sqlite("SELECT password_hash FROM accounts");
    let refused = change(&mut client, LISTED);
    assert!(refused.status == 422 && refused.body.contains("stolen somewhere"), "{refused:?}");
    let mut japanese = server.logged_in("ada").with_header("accept-language: ja");
    assert!(change(&mut japanese, LISTED).body.contains("流出"));
    for args in [&["account", "password", "ada"][..], &["account", "add", "bob"]] {
        let output = place.run_with_input(&[args, &["--password-stdin"]].concat(), LISTED);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(1) && said.contains("stolen somewhere") && !said.contains(LISTED),
            "{said}"
        );
    }
    assert_eq!(place.sqlite("SELECT password_hash FROM accounts"), before, "nothing was changed, and nobody added");
    assert_eq!(change(&mut client, OTHER_PASSWORD).status, 303, "one that is not in the file");
}

#[test]
fn the_first_account_has_no_breached_password_either() {
    let place = place();
    let mut server = place.serve();
    let link = std::iter::repeat_with(|| server.line()).find(|line| line.contains("/setup/")).unwrap();
    let path = format!("/setup/{}", link.rsplit('/').next().unwrap());
    let set_up = |password| {
        server.client().form(&path, &[("login_name", "ada"), ("password", password), ("password_again", password)])
    };
    let refused = set_up(LISTED);
    assert!(refused.status == 422 && refused.body.contains("stolen somewhere"), "{refused:?}");
    assert_eq!(set_up(PASSWORD).status, 303);
}

#[test]
fn without_the_file_no_password_is_set_and_everything_else_goes_on() {
    let place = place().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    for spoil in [
        |path| fs::write(path, "not sorted\r\nat all\r\n").unwrap(),
        |path: std::path::PathBuf| {
            fs::remove_file(path).unwrap();
        },
    ] {
        spoil(place.file(FILE));
        let answer = change(&mut client, OTHER_PASSWORD);
        assert!(answer.status == 503 && answer.header("retry-after").is_some(), "{answer:?}");
        assert!(!answer.body.contains(FILE), "the answer knows nothing of files");
        assert_eq!(server.client().log_in("ada", PASSWORD).status, 200, "a login asks no file");
        assert_eq!(client.status(), 200);
        assert!(place.run(&["session", "list"]).status.success(), "nor does the command line");
        let output = place.run_with_input(&["account", "password", "ada", "--password-stdin"], OTHER_PASSWORD);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains("password.breached_hashes"), "{said}");
    }
    assert!(server.log().contains("the file of breached passwords"), "{}", server.log());
    // A newer file is moved into its place: no restart.
    write(&place);
    assert_eq!(change(&mut client, LISTED).status, 422);
    assert_eq!(change(&mut client, OTHER_PASSWORD).status, 303);
}

#[test]
fn a_file_that_cannot_be_used_is_told_at_the_start() {
    let place = place();
    let path = place.file(FILE);
    let refused = |why: &str| {
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["config", "check"]] {
            let mut command = place.command(args);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // The greeting of a server that starts all the same, which would never end.
            let mut greeting = [0; 1];
            if child.stdout.as_mut().unwrap().read(&mut greeting).unwrap() > 0 {
                child.kill().unwrap();
            }
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{args:?}: {said}");
            assert!(said.contains("password.breached_hashes") && said.contains(FILE) && said.contains(why), "{said}");
        }
    };
    assert!(place.run(&["config", "check"]).status.success());
    let whole = fs::read_to_string(&path).unwrap();
    for (text, why) in [
        (String::new(), "it is empty"),
        (whole.replacen(':', ";", 1), "the line at byte 0 is not a SHA-1 hash"),
        (whole[..whole.len() - 20].to_owned(), "is not a SHA-1 hash"), // a download that was cut off
        (whole.lines().rev().collect::<Vec<_>>().join("\n"), "is not in its place"),
        (whole.lines().map(|line| &line[8..]).collect::<Vec<_>>().join("\n"), "is not a SHA-1 hash"), // NTLM
    ] {
        fs::write(&path, text).unwrap();
        refused(why);
    }
    fs::remove_file(&path).unwrap();
    refused("No such file");
    fs::create_dir(&path).unwrap();
    refused("it is not a file");
}
