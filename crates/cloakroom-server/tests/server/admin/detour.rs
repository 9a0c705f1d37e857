//! Pages of administrators ask for the password where it was proven too long ago; what was asked for is done after it, and only then.

use super::pages::{forms, pages, victim};
use super::service_tokens::add;
use super::{an_hour_passes, id_of, subject_of, world};
use crate::client::Answer;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

fn asks_for_the_password(answer: &Answer) -> bool {
    let carries = answer.hidden("/confirm").iter().any(|(name, _)| name == "then");
    answer.status != 200 && answer.set_cookies().is_empty() && carries && answer.body.contains("type=\"password\"")
}

/// Everything the forms could change but the session that sends them.
fn everything(place: &Place) -> String {
    place.sqlite(
        "SELECT id FROM sessions ORDER BY 1; SELECT subject, disabled_at FROM accounts ORDER BY 1; \
         SELECT count(*) FROM attempt_counters; SELECT name FROM service_tokens ORDER BY 1",
    )
}

#[test]
fn a_page_asks_for_the_password_and_is_shown_after_it() {
    let (place, server) = world();
    add(&place, "shop", "sessions");
    let subject = subject_of(&mut server.logged_in("bob"));
    for path in pages(&subject) {
        let mut root = server.logged_in("root");
        an_hour_passes(&place);
        let asked = root.get(&path);
        assert!(asks_for_the_password(&asked) && asked.status == 403, "{path}: {asked:?}");
        assert!(!asked.body.contains("bob") && !asked.body.contains("127.0.0.1\""), "{path}: nothing is shown yet");
        let wrong = root.submit_from(&asked, "/confirm", &[("password", OTHER_PASSWORD)]);
        assert!(asks_for_the_password(&wrong) && wrong.status == 422, "{path}: {wrong:?}");
        let done = root.submit_from(&wrong, "/confirm", &[("password", PASSWORD)]);
        assert_eq!((done.status, done.header("location")), (303, Some(path.as_str())));
        assert_eq!(root.get(&path).status, 200, "{path}");
    }
}

#[test]
fn a_form_survives_the_detour_over_the_password() {
    let (place, server) = world();
    for way in 0..6 {
        let (mut root, mut bob) = (server.logged_in("root"), victim(&server, "bob"));
        let (id, subject) = (id_of(&mut bob), subject_of(&mut bob));
        assert_eq!(server.client().log_in("bob", OTHER_PASSWORD).status, 401); // something to forget
        if way == 4 {
            place.sqlite("UPDATE accounts SET disabled_at = 1 WHERE login_name = 'bob'");
        }
        let (action, mut typed) = forms(&id, &subject).swap_remove(way);
        an_hour_passes(&place);
        let (own, before) = (root.form_token(), everything(&place));
        typed.push(("form_token", &own));
        let asked = root.form(&action, &typed);
        assert!(asks_for_the_password(&asked) && asked.status == 403, "{action}: {asked:?}");
        assert_eq!(everything(&place), before, "{action}: asking changes nothing");

        let (old, confirmed) = (root.clone(), root.submit_from(&asked, "/confirm", &[("password", PASSWORD)]));
        assert_eq!((confirmed.status, confirmed.set_cookies().len()), (303, 1), "{action}: {confirmed:?}");
        assert_eq!((root.status(), old.clone().status()), (200, 401), "{action}: the token is replaced");
        let target = confirmed.header("location").unwrap();
        assert!(target.starts_with("/admin/") && target.contains("done="), "{action}: {target}");
        let page = root.get(target);
        assert!(page.status == 200 && page.body.contains("role=\"status\""), "{action}: {page:?}");
        let disabled = place.sqlite("SELECT count(*) FROM accounts WHERE disabled_at IS NOT NULL");
        assert_eq!(bob.status(), if way < 4 { 401 } else { 200 }, "{action}");
        assert_eq!(disabled, if way == 3 { "1" } else { "0" }, "{action}");
        place.sqlite("UPDATE accounts SET disabled_at = NULL; DELETE FROM sessions; DELETE FROM attempt_counters");
    }
}

#[test]
fn who_is_demoted_on_the_way_is_refused_and_keeps_the_new_token() {
    let (place, server) = world();
    add(&place, "shop", "sessions");
    let (mut root, mut bob) = (server.logged_in("root"), victim(&server, "bob"));
    let (id, subject) = (id_of(&mut bob), subject_of(&mut bob));
    for (action, mut typed) in forms(&id, &subject) {
        place.sqlite("UPDATE accounts SET role = 'administrator' WHERE login_name = 'root'");
        an_hour_passes(&place);
        let own = root.form_token();
        typed.push(("form_token", &own));
        let asked = root.form(&action, &typed);
        place.sqlite("UPDATE accounts SET role = 'person' WHERE login_name = 'root'");
        let before = everything(&place);
        let done = root.submit_from(&asked, "/confirm", &[("password", PASSWORD)]);
        assert_eq!((done.status, done.set_cookies().len()), (403, 1), "{action}: {done:?}");
        assert_eq!((root.status(), bob.status(), everything(&place)), (200, 200, before), "{action}");
    }
    // Nor does anybody else who writes such a form.
    let mut ada = server.logged_in("ada");
    let own = ada.form_token();
    let then = format!("administrate?do=end_one&id={id}");
    let done = ada.form("/confirm", &[("form_token", &own), ("password", PASSWORD), ("then", &then)]);
    assert_eq!((done.status, bob.status()), (403, 200), "{done:?}");
}

#[test]
fn what_follows_an_administrators_confirmation_is_one_of_a_closed_list() {
    let (place, server) = world();
    let mut root = server.logged_in("root");
    let subject = subject_of(&mut server.logged_in("bob"));
    let (own, before) = (root.form_token(), everything(&place));
    for evil in [
        "administrate?".to_owned(),
        "administrate?do=end_everyone".to_owned(),
        format!("administrate?do=remove&subject={subject}"),
        format!("administrate?do=disable&subject={subject}&back=https%3A%2F%2Fevil.example%2Fadmin"),
        format!("administrate?do=disable&subject={subject}&more=1"),
        "show:https://evil.example/admin".to_owned(),
        "show:/account".to_owned(),
        "show:/admin/..//evil.example".to_owned(),
    ] {
        let answer = root.form("/confirm", &[("form_token", &own), ("password", PASSWORD), ("then", &evil)]);
        assert_eq!((answer.status, answer.set_cookies().len()), (422, 0), "{evil}");
    }
    assert_eq!(everything(&place), before);
}
