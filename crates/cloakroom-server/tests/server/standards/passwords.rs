//! ASVS 5.0 V6 and NIST SP 800-63B-4 3.1.1: what may be a password, how it is checked, how it is kept.

use crate::client::{Answer, Client};
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

const BLOCKLIST: &str = include_str!("../../../../cloakroom-core/src/password/blocklist.txt");

fn change(client: &mut Client, current: &str, new: &str) -> Answer {
    let typed = [("current_password", current), ("new_password", new), ("new_password_again", new)];
    client.submit("/account/password", &typed)
}

#[test]
fn lengths_count_code_points_and_a_megabyte_is_refused_unread() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let text: String = "violet tractör hums".chars().cycle().take(257).collect();
    let cut = |length: usize| text.chars().take(length).collect::<String>();
    let hash = || place.sqlite("SELECT password_hash FROM accounts");
    let before = hash();
    for (new, says) in [(cut(14), "15"), (cut(257), "256"), ("🦀🐙🐳🐬🦑🐠🐡🦐🦞🐚🐌🦋🐛🐜".to_owned(), "15")]
    {
        let answer = change(&mut client, PASSWORD, &new);
        assert!(answer.status == 422 && answer.body.contains(says), "{}: {answer:?}", new.chars().count());
    }
    let megabyte = client
        .json("/api/v1/login", format!(r#"{{"login_name":"ada","password":"{}"}}"#, "x".repeat(1 << 20)).as_bytes());
    assert_eq!((megabyte.status, megabyte.code().as_str()), (413, "too_large"));
    assert_eq!(hash(), before, "nothing was changed");
    let mut current = PASSWORD.to_owned();
    for new in [cut(15), cut(64), cut(128), cut(256), "🦀🐙🐳🐬🦑🐠🐡🦐🦞🐚🐌🦋🐛🐜🐝".to_owned()]
    {
        assert_eq!(change(&mut client, &current, &new).status, 303, "{}", new.chars().count());
        assert_eq!(server.client().log_in("ada", &new).status, 200, "{}", new.chars().count());
        current = new;
    }
}

#[test]
fn listed_and_context_passwords_are_refused_with_the_reason() {
    let place = Place::new().with_account("ada.lovelace");
    let server = place.serve();
    let mut client = server.logged_in("ada.lovelace");
    let long: Vec<&str> = BLOCKLIST.lines().filter(|line| line.chars().count() >= 15).collect();
    for listed in long.iter().step_by(long.len() / 20) {
        let answer = change(&mut client, PASSWORD, listed);
        assert!(answer.status == 422 && answer.body.contains("aria-invalid"), "{listed}: {answer:?}");
        assert!(answer.body.contains("on a list of passwords"), "the reason is missing: {listed}");
    }
    for (refused, says) in [
        ("cloakroomcloakroom", "little more than your name"),
        ("ada.lovelace.lovelace", "little more than your name"),
        ("abcabcabcabcabc", "easy to guess"),
    ] {
        let answer = change(&mut client, PASSWORD, refused);
        assert!(answer.status == 422 && answer.body.contains(says), "{refused}: {answer:?}");
    }
    assert_eq!(server.client().log_in("ada.lovelace", PASSWORD).status, 200, "the old one still holds");
}

#[test]
fn any_composition_is_accepted_and_every_character_counts() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let mut current = PASSWORD.to_owned();
    for new in [
        "violettractorhumsatnoon",
        "猫が窓辺で雨の音を静かに聞いている",
        "!?%&/()=#*+~<>|;",
        "kf8Hq2mZ7pXw4Lt",
        "Trailing Spaces Count  ",
    ] {
        assert_eq!(change(&mut client, &current, new).status, 303, "{new}");
        current = new.to_owned();
    }
    for wrong in ["Trailing Spaces Count ", "Trailing Spaces Count", "trailing spaces count  ", "Trailing Spaces Coun"]
    {
        assert_eq!(server.client().log_in("ada", wrong).status, 401, "{wrong:?}");
    }
    assert_eq!(server.client().log_in("ada", &current).status, 200);
}

#[test]
fn the_last_of_a_hundred_characters_counts_and_composed_letters_are_one() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let long: String = "quiet lanterns drift é".chars().cycle().take(100).collect();
    assert_eq!(change(&mut client, PASSWORD, &long).status, 303);
    let altered = format!("{}#", long.chars().take(99).collect::<String>());
    assert_eq!(server.client().log_in("ada", &altered).status, 401);
    assert_eq!(server.client().log_in("ada", &long.replace('é', "e\u{301}")).status, 200, "NFC, the one exception");
}

#[test]
fn a_change_needs_the_current_password() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let hash = || place.sqlite("SELECT password_hash FROM accounts");
    let before = hash();
    for current in ["", OTHER_PASSWORD] {
        assert_eq!(change(&mut client, current, OTHER_PASSWORD).status, 422);
    }
    assert_eq!(hash(), before);
    assert_eq!(change(&mut client, PASSWORD, OTHER_PASSWORD).status, 303);
    assert_ne!(hash(), before);
    assert_eq!(
        (server.client().log_in("ada", PASSWORD).status, server.client().log_in("ada", OTHER_PASSWORD).status),
        (401, 200)
    );
}

#[test]
fn stored_hashes_are_argon2id_with_a_salt_of_their_own() {
    let place = Place::new().with_account("ada").with_account("bob");
    let hashes = place.sqlite("SELECT password_hash FROM accounts");
    let parts: Vec<Vec<&str>> = hashes.lines().map(|line| line.split('$').collect()).collect();
    for hash in &parts {
        let [_, algorithm, version, costs, salt, tag] = hash[..] else { panic!("{} parts", hash.len()) };
        assert_eq!((algorithm, version), ("argon2id", "v=19"));
        let cost =
            |name: &str| -> u32 { costs.split(',').find_map(|cost| cost.strip_prefix(name)).unwrap().parse().unwrap() };
        // ASVS 5.0 appendix C: 19 MiB with two passes, or more.
        assert!(cost("m=") >= 19_456 && cost("t=") >= 2 && cost("p=") == 1, "{costs}");
        assert!(salt.len() >= 22 && tag.len() == 43, "16 and 32 bytes in base64");
    }
    assert_ne!(parts[0][4], parts[1][4], "the same password, two salts");
}

#[test]
fn password_inputs_are_hidden_and_managers_may_fill_them() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut ada = server.logged_in("ada");
    let pages = [server.client().get("/login").body, ada.get("/account").body, ada.get("/confirm").body];
    let mut kinds = Vec::new();
    for page in &pages {
        assert!(
            !page.contains("onpaste")
                && !page.contains("autocomplete=\"off\"")
                && !page.contains("hint to your password")
        );
        for input in page.split("<input ").skip(1).map(|input| input.split('>').next().unwrap()) {
            if input.contains("password\"") && !input.contains("type=\"hidden\"") {
                assert!(input.contains("type=\"password\""), "{input}");
                kinds.extend(["current-password", "new-password"].into_iter().filter(|kind| input.contains(kind)));
            }
        }
    }
    let account = ["current-password", "new-password", "new-password"];
    assert_eq!(kinds, [&["current-password"][..], &account, &["current-password"]].concat());
}

#[test]
fn a_fresh_server_has_no_accounts_to_try() {
    let place = Place::new();
    let server = place.serve();
    for (name, password) in [("admin", "admin"), ("root", "root"), ("cloakroom", "cloakroom"), ("admin", "password")] {
        assert_eq!(server.client().log_in(name, password).status, 401, "{name}");
    }
    assert_eq!(place.sqlite("SELECT count(*) FROM accounts"), "0");
}
