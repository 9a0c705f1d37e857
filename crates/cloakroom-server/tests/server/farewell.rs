//! Why somebody is not signed in any more: said to whoever still has the token of the session that ended, and to nobody else.

use crate::client::Client;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place, Server};

/// How the session of `there` ends, and what its browser is told in each language.
struct Way {
    end: fn(&Place, &mut Client, &mut Client),
    english: &'static str,
    japanese: &'static str,
}

fn id_of(client: &mut Client) -> String {
    client.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned()
}

fn run(place: &Place, args: &[&str]) {
    let consent: &[&str] = if args.contains(&"enable") { &[] } else { &["--yes"] };
    let output = place.run(&[args, consent].concat());
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// As if what ended had ended so long ago.
fn minutes_pass(place: &Place, minutes: u32) {
    place.sqlite(&format!("UPDATE session_feed SET at = at - {minutes} * 60000"));
}

const WAYS: &[Way] = &[
    Way {
        end: |place, _, there| {
            run(place, &["session", "end", &id_of(there)]);
            minutes_pass(place, 10);
        },
        english: "You were signed out by an administrator, 10 minutes ago.",
        japanese: "10分前、管理者によってログアウトされました。",
    },
    Way {
        end: |place, _, _| {
            run(place, &["session", "end", "--everyone"]);
            minutes_pass(place, 180);
        },
        english: "Everybody was signed out, 3 hours ago.",
        japanese: "3時間前、すべての利用者がログアウトされました。",
    },
    Way {
        end: |_, here, _| assert_eq!(here.submit("/account/sessions/end-others", &[]).status, 303),
        english: "You were signed out from another device, just now.",
        japanese: "たった今、ほかの端末での操作によりログアウトしました。",
    },
    Way {
        end: |_, here, _| assert_eq!(here.submit("/account/sessions/end-all", &[]).status, 303),
        english: "You were signed out everywhere from another device, just now.",
        japanese: "たった今、ほかの端末での操作により、すべての端末からログアウトしました。",
    },
    Way {
        end: |place, _, _| {
            let changed = place.run_with_input(&["account", "password", "ada", "--password-stdin"], OTHER_PASSWORD);
            assert!(changed.status.success());
            let back = place.run_with_input(&["account", "password", "ada", "--password-stdin"], PASSWORD);
            assert!(back.status.success());
            minutes_pass(place, 1);
        },
        english: "You were signed out because the password was changed, one minute ago.",
        japanese: "1分前、パスワードが変更されたためログアウトしました。",
    },
    Way {
        end: |place, _, _| {
            run(place, &["account", "disable", "ada"]);
            run(place, &["account", "enable", "ada"]);
        },
        english: "You were signed out because your account was disabled, just now.",
        japanese: "たった今、アカウントが無効になったためログアウトしました。",
    },
    Way {
        end: |place, _, _| drop(place.sqlite("DELETE FROM sessions")),
        english: "You were signed out because your session was removed from the database, just now.",
        japanese: "たった今、データベースからセッションが削除されたためログアウトしました。",
    },
    Way {
        end: |place, _, _| drop(place.sqlite("UPDATE sessions SET last_seen_at = last_seen_at - 5 * 3600000")),
        english: "You were signed out after 2 hours without use, 3 hours ago.",
        japanese: "2時間操作がなかったため、ログアウトしました（3時間前）。",
    },
    Way {
        end: |place, _, _| {
            place.sqlite(
                "UPDATE sessions SET authenticated_at = authenticated_at - 86520000, created_at = created_at - 86520000, \
                 absolute_expires_at = absolute_expires_at - 86520000",
            );
        },
        english: "You were signed out because no session lasts longer than 24 hours, 2 minutes ago.",
        japanese: "ログインの有効期限（24時間）が切れたため、ログアウトしました（2分前）。",
    },
];

fn login_page(client: &Client, language: &str) -> String {
    let mut client = client.clone().with_header(&format!("accept-language: {language}"));
    let token = client.token.clone();
    let answer = client.get("/login");
    assert_eq!((answer.status, client.token), (200, token), "the cookie stays until a login replaces it");
    answer.body
}

#[test]
fn whoever_comes_back_is_told_why_and_when() {
    let place = Place::new().with("LOG__FILTER", "warn").with_account("ada");
    let server = place.serve();
    for way in WAYS {
        let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
        (way.end)(&place, &mut here, &mut there);
        let answer = there.get("/account");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login?return_to=%2Faccount")));
        for (language, wanted) in [("en", way.english), ("ja", way.japanese)] {
            let page = login_page(&there, language);
            assert!(page.contains(wanted), "{wanted}: {page}");
        }
        let form = [("login_name", "ada"), ("password", PASSWORD)];
        assert_eq!((there.form("/login", &form).status, there.status()), (303, 200), "{}", way.english);
        assert!(!login_page(&there, "en").contains("signed out"), "{}", way.english);
        assert_eq!(there.post("/logout").status, 303);
    }
}

#[test]
fn nobody_without_the_token_is_told_anything() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server: Server = place.serve();
    let mut gone = server.logged_in("ada");
    let (id, token) = (id_of(&mut gone), gone.token().to_owned());
    run(&place, &["session", "end", &id]);
    assert!(login_page(&gone, "en").contains("by an administrator"));
    let nothing = server.client().get("/login").body;
    for wrong in [id.clone(), token[..46].to_owned(), token.replacen("ck1_", "", 1), format!("ck1_{}", "A".repeat(43))]
    {
        let mut client = server.client();
        client.token = Some(wrong);
        assert_eq!(client.get("/login").body, nothing, "as for anybody");
    }
    for path in
        [format!("/login?session={id}"), format!("/login?cloakroom={token}"), "/login?login_name=ada".to_owned()]
    {
        assert_eq!(server.client().get(&path).body, nothing);
    }
}
