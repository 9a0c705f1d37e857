//! "That wasn't me": everything else ends, this session gets a new token, and a new password is asked for before anything else.

use crate::client::{Answer, Client};
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

const FIREFOX: &str = "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const PATH: &str = "/account/not-me";
/// How often a page is asked for until it shows what was recorded.
const TRIES_MAX: usize = 400;

fn change(new: &str) -> [(&'static str, &str); 3] {
    [("current_password", PASSWORD), ("new_password", new), ("new_password_again", new)]
}

fn asks_for_a_new_password(page: &Answer) -> bool {
    let said = page.body.contains("You said just now that something in your account was not you.");
    said && page.body.contains("name=\"new_password\"") && !page.body.contains("/account/sessions/")
}

fn says_it(client: &mut Client) -> Answer {
    let page = client.get(PATH);
    assert_eq!(page.status, 200);
    client.submit_from(&page, PATH, &[])
}

/// The addresses of the page's links for what was somebody else.
fn links(client: &mut Client, number: usize) -> Vec<String> {
    let read = |page: &Answer| -> Vec<String> {
        let links = page.body.split("href=\"/account/not-me").skip(1);
        links.map(|rest| format!("{PATH}{}", rest.split('"').next().unwrap())).collect()
    };
    let mut tries = (0..TRIES_MAX).map(|_| read(&client.get("/account")));
    tries.find(|links| links.len() == number).unwrap_or_else(|| panic!("never {number} links"))
}

#[test]
fn it_ends_everything_else_and_asks_for_a_new_password_at_once() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let (mut here, mut there, mut bob) = (server.logged_in("ada"), server.logged_in("ada"), server.logged_in("bob"));
    let mut copied = here.clone();
    let before = here.get("/api/v1/session").json()["session"]["id"].clone();
    let answer = says_it(&mut here);
    assert_eq!((answer.status, answer.header("location"), answer.set_cookies().len()), (303, Some("/account"), 1));
    assert_eq!((here.status(), there.status(), copied.status(), bob.status()), (200, 401, 401, 200));
    assert_eq!(here.get("/api/v1/session").json()["session"]["id"], before, "the same session under a new token");

    let page = here.get("/account");
    assert!(page.status == 200 && asks_for_a_new_password(&page), "{page:?}");
    let refused = here.submit("/account/password", &change("short"));
    assert!(refused.status == 422 && asks_for_a_new_password(&refused), "{refused:?}");
    assert!(refused.body.contains("aria-invalid"), "{refused:?}");
    // Whoever knows the old password gets no further either, and is out when it is a new one.
    let mut other = server.logged_in("ada");
    assert!(asks_for_a_new_password(&other.get("/account")));
    let done = here.submit("/account/password", &change(OTHER_PASSWORD));
    assert_eq!((done.status, done.header("location"), other.status()), (303, Some("/account"), 401));
    let page = here.get("/account");
    assert!(page.body.contains("id=\"devices\"") && !asks_for_a_new_password(&page), "{page:?}");
    assert!(page.body.contains("You said that something was not you"), "{page:?}");
    let events = String::from_utf8(place.run(&["event", "list", "--json"]).stdout).unwrap();
    assert!(events.contains("authn_token_revoked") && events.contains("\"not_me\""), "{events}");
}

#[test]
fn the_password_is_asked_for_first_where_it_was_proven_too_long_ago() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
    place
        .sqlite("UPDATE sessions SET authenticated_at = authenticated_at - 3600000, created_at = created_at - 3600000");
    let asked = says_it(&mut here);
    assert_eq!((asked.status, asked.set_cookies().len(), there.status()), (403, 0, 200), "nothing has ended yet");
    assert!(asked.hidden("/confirm").contains(&("then".to_owned(), "not-me".to_owned())), "{asked:?}");
    assert!(asked.body.contains("sign out every other device and choose a new password"), "{asked:?}");
    let old = here.clone();
    let done = here.submit_from(&asked, "/confirm", &[("password", PASSWORD)]);
    assert_eq!((done.status, done.header("location"), done.set_cookies().len()), (303, Some("/account"), 1));
    assert_eq!((here.status(), there.status(), old.clone().status()), (200, 401, 401));
    assert!(asks_for_a_new_password(&here.get("/account")));
}

#[test]
fn it_is_offered_for_what_may_have_been_somebody_else() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let mut here = server.logged_in("ada");
    assert!(links(&mut here, 0).is_empty(), "one's own login, and what the operator did");
    let mut there = server.client().with_header(FIREFOX);
    assert_eq!(there.log_in("ada", PASSWORD).status, 200);
    assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 401);
    let found = links(&mut here, 2);
    let page = here.get(&found[1]).body;
    assert!(page.contains("Signed in") && page.contains("Firefox 140 on Linux"), "the event is named: {page}");
    assert!(here.get(&found[0]).body.contains("Failed attempt to sign in"));
    // An event of nobody's or of somebody else's is not, and neither is what is no event.
    let mut bob = server.logged_in("bob");
    for path in
        [found[1].as_str(), "/account/not-me?event=x", "/account/not-me?event=01890000-0000-7000-8000-000000000000"]
    {
        let answer = bob.get(path);
        assert!(answer.status == 200 && !answer.body.contains("Firefox"), "{answer:?}");
    }
    // What ended may have been somebody else too.
    assert_eq!(there.submit("/account/password", &change(OTHER_PASSWORD)).status, 303);
    let mut back = server.client();
    assert_eq!(back.log_in("ada", OTHER_PASSWORD).status, 200);
    assert!(
        links(&mut back, 5).contains(&PATH.to_owned()),
        "two logins, a failure, a change, and the session it ended"
    );
}

#[test]
fn looking_at_the_page_ends_nothing() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
    let page = here.get(PATH);
    assert!(page.body.contains("Every other device is signed out") && page.set_cookies().is_empty());
    assert_eq!((here.status(), there.status()), (200, 200));
    let mut stranger = server.client();
    assert_eq!(stranger.get(PATH).header("location"), Some("/login?return_to=%2Faccount%2Fnot%2Dme"));
    assert_eq!(stranger.post(PATH).header("location"), Some("/login?return_to=%2Faccount"));
}
