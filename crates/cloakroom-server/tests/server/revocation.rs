//! Ending sessions from elsewhere: other devices, the command line, the sqlite3 shell, a disabled account.

use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

#[test]
fn a_row_deleted_in_the_sqlite3_shell_counts_on_the_next_request() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    assert_eq!(client.status(), 200);
    place.sqlite("DELETE FROM sessions");
    let answer = client.get("/api/v1/session");
    assert_eq!((answer.status, answer.code().as_str()), (401, "session_revoked"));
    assert_eq!(place.sqlite("SELECT reason FROM session_feed WHERE kind = 'ended'"), "by_hand");
}

#[test]
fn one_others_and_all_over_the_interface() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let (mut here, mut there, mut third) = (server.logged_in("ada"), server.logged_in("ada"), server.logged_in("ada"));
    let mut bob = server.logged_in("bob");
    let listed = here.get("/api/v1/sessions?limit=2").json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);
    let cursor = listed["next_cursor"].as_str().unwrap().to_owned();
    let rest = here.get(&format!("/api/v1/sessions?cursor={cursor}")).json();
    assert_eq!((rest["sessions"].as_array().unwrap().len(), rest["next_cursor"].is_null()), (1, true));

    let id = there.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned();
    let answer = bob.delete(&format!("/api/v1/sessions/{id}"));
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "another person's id");
    assert_eq!(here.delete(&format!("/api/v1/sessions/{id}")).status, 204);
    assert_eq!(here.delete(&format!("/api/v1/sessions/{id}")).status, 404);
    assert_eq!((there.status(), third.status()), (401, 200));
    let answer = here.delete("/api/v1/sessions?scope=others");
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"ended":1}"#));
    assert_eq!((third.status(), here.status(), bob.status()), (401, 200, 200));
    let answer = here.delete("/api/v1/sessions?scope=all");
    assert_eq!((answer.body.as_str(), here.token.is_none()), (r#"{"ended":1}"#, true));
    assert_eq!(place.rows(), 1);
}

#[test]
fn the_command_line_ends_sessions_of_a_running_server() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let (mut ada, mut bob) = (server.logged_in("ada"), server.logged_in("bob"));
    let id = ada.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned();
    assert!(place.run(&["session", "end", &id]).status.success());
    assert_eq!((ada.status(), bob.status()), (401, 200));
    assert!(place.run(&["session", "end", "--subject", "bob"]).status.success());
    assert_eq!(bob.status(), 401);
    ada = server.logged_in("ada");
    assert_eq!(place.run(&["session", "end", "--everyone"]).status.code(), Some(1), "needs --yes");
    assert_eq!(ada.status(), 200);
    assert!(place.run(&["session", "end", "--everyone", "--yes"]).status.success());
    assert_eq!((ada.status(), place.rows()), (401, 0));
}

#[test]
fn disabling_an_account_ends_its_sessions_and_enabling_revives_none() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    assert!(place.run(&["account", "disable", "ada", "--yes"]).status.success());
    assert_eq!((client.status(), place.rows()), (401, 0));
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 401);
    assert!(place.run(&["account", "enable", "ada"]).status.success());
    assert_eq!((client.status(), place.rows()), (401, 0));
    assert_eq!(server.logged_in("ada").status(), 200);
}

#[test]
fn an_operators_password_change_ends_every_session() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let output = place.run_with_input(&["account", "password", "ada", "--password-stdin"], OTHER_PASSWORD);
    assert!(output.status.success(), "{output:?}");
    assert_eq!((client.status(), place.rows()), (401, 0));
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 401);
    assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 200);
}
