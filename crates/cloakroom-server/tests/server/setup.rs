//! The one-time setup link: the first visitor with it makes the first administrator, and nobody else does.

use crate::process::{PASSWORD, Place};

fn setup_path(server: &mut crate::process::Server) -> String {
    for _ in 0..3 {
        let line = server.line();
        if let Some(at) = line.find("/setup/") {
            return line[at..].to_owned();
        }
    }
    panic!("no setup link was printed")
}

#[test]
fn the_link_makes_one_administrator_and_logs_them_in() {
    let place = Place::new();
    let mut server = place.serve();
    let path = setup_path(&mut server);
    let mut client = server.client();
    let page = client.get(&path);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("login_name"));
    let fields = [("login_name", "Ada"), ("password", PASSWORD), ("password_again", PASSWORD)];
    assert_eq!(client.form("/setup/wrong", &fields).status, 404);
    let bad = client.form(&path, &[("login_name", "Ada"), ("password", "short"), ("password_again", "short")]);
    assert_eq!(bad.status, 422);
    let answer = client.form(&path, &fields);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/account")));
    assert_eq!((client.status(), place.rows()), (200, 1));
    assert_eq!(client.get(&path).status, 404, "the link is used up");
    assert_eq!(server.client().form(&path, &fields).status, 404);
    let list = String::from_utf8(place.run(&["account", "list", "--json"]).stdout).unwrap();
    assert!(list.contains("ada") && list.contains("administrator"), "{list}");
    let code = path.trim_start_matches("/setup/");
    assert!(!server.log().contains(code), "the code is in the log");
    server.stop();
    let mut again = place.serve();
    assert_eq!(again.client().get(&path).status, 404);
    again.signal("-TERM");
    let strict = "Validation: strict. A session that ended is refused from the next request on, on every instance.";
    let lines = [(); 3].map(|()| again.line());
    assert_eq!((lines[0].as_str(), lines[2].as_str()), (strict, ""), "no link once there is an account");
    assert!(lines[1].starts_with("Passwords: ") && lines[1].contains(" MiB at most; "), "{}", lines[1]);
}

#[test]
fn what_is_printed_names_the_bound_of_leased_validation() {
    let place = Place::new().with("SESSION__VALIDATION", "leased").with("SESSION__LEASE", "2s").with_account("ada");
    let said = place.serve().line();
    assert_eq!(
        said,
        "Validation: leased. A session that ended is refused on every instance within 2s, whatever fails; typically within milliseconds."
    );
}

#[test]
fn concurrent_visitors_make_one_account() {
    let place = Place::new();
    let mut server = place.serve();
    let path = setup_path(&mut server);
    let made: usize = std::thread::scope(|scope| {
        let visits: Vec<_> = ["ada", "bob", "eve", "dan"]
            .map(|name| {
                let (mut client, path) = (server.client(), &path);
                scope.spawn(move || client.form(path, &[("login_name", name), ("password", PASSWORD)]).status)
            })
            .into_iter()
            .collect();
        visits.into_iter().map(|visit| usize::from(visit.join().unwrap() == 303)).sum()
    });
    assert_eq!((made, place.sqlite("SELECT count(*) FROM accounts").as_str()), (1, "1"));
}
