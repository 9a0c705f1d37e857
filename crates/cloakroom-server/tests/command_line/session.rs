//! Sessions on the command line: issued as a server would, listed and ended as an operator does.

use std::time::Duration;

use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{Issue, Issued};
use cloakroom_core::token::Token;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::{Database, OpenOptions, Scope};
use serde_json::Value;

use super::{OTHER_PASSWORD, Place};

pub(super) const HOUR: Duration = Duration::from_hours(1);
const UNKNOWN_ID: &str = "0199b7c2-0000-7000-8000-000000000000";

impl Place {
    pub(super) fn sessions(&self, args: &[&str]) -> Vec<Value> {
        let args = [&["session", "list", "--json"], args].concat();
        serde_json::from_str(&self.run(&args).done()).unwrap()
    }

    /// The subject of an account, as an application would see it.
    pub(super) fn subject(&self, name: &str) -> String {
        let account = self.accounts().into_iter().find(|account| account["login_name"] == name).unwrap();
        account["subject"].as_str().unwrap().to_owned()
    }

    /// Issues a session that lasts for `span`, as a server would, and returns its id.
    pub(super) fn issue(&self, subject: &str, span: Duration) -> String {
        let url = format!("sqlite:{}", self.0.path().join("cloakroom.db").display());
        let now = SystemClock.now().minus(Duration::from_secs(2));
        let session = SessionRecord {
            id: SessionId::new(now, &SystemRandom).unwrap(),
            subject: Subject::new(subject).unwrap(),
            created_at: now,
            authenticated_at: now,
            last_seen_at: now,
            idle_timeout: None,
            absolute_expires_at: now.plus(span),
            auth_method: AuthMethod::password(),
            client: ClientFacts::new(Some("Browser \u{202e}1"), "192.0.2.7".parse().ok()),
        };
        let id = session.id.to_string();
        let digest = Token::generate(&SystemRandom).unwrap().digest();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let database = Database::open(&url, OpenOptions::default()).await.unwrap();
            database.migrate(Scope::Everything).await.unwrap();
            let moment = database.sessions().begin().await.unwrap();
            let issue = Issue { moment, digest, session, supersedes: Vec::new(), max_per_subject: 100 };
            assert_eq!(database.sessions().issue(issue).await.unwrap(), Issued::Created { over_cap: 0 });
            database.close().await;
        });
        id
    }
}

#[test]
fn ending_sessions_says_exactly_which() {
    let place = Place::new().with_account("ada");
    for args in [&[][..], &["--everyone", UNKNOWN_ID], &["--everyone", "--subject", "ada"], &["no-id"], &["--yes"]] {
        place.run(&[&["session", "end"], args].concat()).misused();
    }
    for yes in [&[][..], &["--yes"]] {
        let line = place.run(&[&["session", "end", UNKNOWN_ID], yes].concat()).refused();
        assert_eq!(line, format!("cloakroom: no session {UNKNOWN_ID}: see `cloakroom session list`\n"));
        let out = place.run(&[&["session", "end", "--subject", "Ada"], yes].concat()).done();
        assert_eq!(out, "ended 0 sessions of Ada\n");
    }
    assert!(place.run(&["session", "end", "--everyone"]).refused().contains("--yes"));
    assert_eq!(place.run(&["session", "end", "--everyone", "--yes"]).done(), "ended 0 sessions of everyone\n");
}

#[test]
fn sessions_are_listed_newest_first_without_what_expired() {
    let place = Place::new().with_account("ada");
    let ada = place.subject("ada");
    let first = place.issue(&ada, HOUR);
    place.issue(&ada, Duration::from_secs(1)); // two seconds ago
    let second = place.issue("ada's lodger", HOUR);
    let ids = |args: &[&str]| place.sessions(args).iter().map(|s| s["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&[]), [second.as_str(), &first]);
    assert_eq!(ids(&["--subject", "Ada"]), [first.as_str()]);
    assert_eq!(ids(&["--subject", &ada]), [first.as_str()]);
    assert_eq!(ids(&["--subject", "ada's lodger"]), [second.as_str()]);
    assert!(ids(&["--subject", "nobody"]).is_empty());
    let shown = &place.sessions(&[])[1];
    assert_eq!((&shown["subject"], &shown["ip"]), (&ada.into(), &"192.0.2.7".into()));
    assert_eq!(shown["user_agent"], "Browser \u{202e}1");
    assert_eq!(shown["auth_method"], "password");
    assert_eq!(shown.as_object().unwrap().len(), 8, "nothing else is shown");
    for args in [&["session", "list"][..], &["session", "list", "--json"]] {
        let out = place.run(args).done();
        assert!(out.contains("202e") && !out.contains('\u{202e}'), "{out:?}");
    }
}

#[test]
fn ending_sessions_ends_those_and_no_others() {
    let place = Place::new().with_account("ada");
    let ada = place.subject("ada");
    let ids: Vec<_> = [&ada, &ada, &ada, "2", "3"].iter().map(|subject| place.issue(subject, HOUR)).collect();
    assert_eq!(place.run(&["session", "end", &ids[0]]).done(), "ended 1 session\n");
    place.run(&["session", "end", &ids[0]]).refused();
    assert_eq!(place.sessions(&[]).len(), 4);
    assert_eq!(place.run(&["session", "end", "--subject", "ada"]).done(), "ended 2 sessions of ada\n");
    assert_eq!(place.sessions(&[]).len(), 2);
    assert_eq!(place.run(&["session", "end", "--subject", "2"]).done(), "ended 1 session of 2\n");
    place.run(&["session", "end", "--everyone"]).refused();
    assert_eq!(place.sessions(&[]).len(), 1, "needs --yes");
    assert_eq!(place.run(&["session", "end", "--everyone", "--yes"]).done(), "ended 1 session of everyone\n");
    assert!(place.sessions(&[]).is_empty());
}

#[test]
fn what_changes_an_account_ends_its_sessions() {
    let place = Place::new().with_account("ada");
    let ada = place.subject("ada");
    for (args, out) in [
        (&["password", "ada", "--password-stdin"][..], "changed the password of ada; 2 sessions ended\n"),
        (&["disable", "ada", "--yes"], "disabled ada; 2 sessions ended\n"),
        (&["enable", "ada"], "enabled ada\n"),
        (&["remove", "ada", "--yes"], "removed ada; 2 sessions ended\n"),
    ] {
        if args[0] != "enable" {
            place.issue(&ada, HOUR);
            place.issue(&ada, HOUR);
        }
        let other = place.issue("2", HOUR);
        let ended = place.run_with_input(&[&["account"], args].concat(), OTHER_PASSWORD.as_bytes());
        assert_eq!(ended.done(), out);
        assert_eq!(place.sessions(&[])[0]["id"], other.as_str());
        assert!(place.sessions(&["--subject", &ada]).is_empty(), "{args:?}");
    }
}
