//! The command line on either database, with sessions as a test wants them.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{Issue, Issued};
use cloakroom_core::token::Token;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::{Database, OpenOptions, Scope};
use serde_json::Value;
use testbed::postgres::{Cluster, Schema};

use super::{Ended, Place};

/// A place and a database.
pub(crate) struct Ground {
    place: Place,
    schema: Option<Schema<'static>>,
    url: String,
}

/// One session: of whom, how long ago it was created, how long it lasts from then on, with what, from where, by which method.
#[derive(Clone, Copy)]
pub(crate) struct Login {
    pub(crate) subject: &'static str,
    pub(crate) ago: Duration,
    pub(crate) lasts: Duration,
    pub(crate) agent: &'static str,
    pub(crate) ip: &'static str,
    pub(crate) method: &'static str,
}

impl Ground {
    /// One on each database.
    pub(crate) fn both() -> [Self; 2] {
        let place = Place::new();
        let url = format!("sqlite:{}", place.0.path().join("cloakroom.db").display());
        let schema = Cluster::shared().fresh_schema().unwrap();
        let there = Self { place: Place::new(), url: schema.url(), schema: Some(schema) };
        let grounds = [Self { place, url, schema: None }, there];
        for ground in &grounds {
            ground.run(&["migrate", "up"]).done();
        }
        grounds
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.place.run(&[args, &["--database", &self.url]].concat())
    }

    /// Starts a command and lets it run.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
        command.args(args).args(["--database", &self.url]).current_dir(self.place.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Issues sessions as a server would; returns their ids.
    pub(crate) fn log_in(&self, logins: &[Login]) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let database = Database::open(&self.url, OpenOptions::default()).await.unwrap();
            database.migrate(Scope::Everything).await.unwrap();
            let mut ids = Vec::new();
            for login in logins {
                let created_at = SystemClock.now().minus(login.ago);
                let session = SessionRecord {
                    id: SessionId::new(created_at, &SystemRandom).unwrap(),
                    subject: Subject::new(login.subject).unwrap(),
                    created_at,
                    authenticated_at: created_at,
                    last_seen_at: created_at,
                    idle_timeout: None,
                    absolute_expires_at: created_at.plus(login.lasts),
                    auth_method: AuthMethod::new(login.method).unwrap(),
                    client: ClientFacts::new(Some(login.agent), login.ip.parse().ok()),
                };
                ids.push(session.id.to_string());
                let moment = database.sessions().begin().await.unwrap();
                let digest = Token::generate(&SystemRandom).unwrap().digest();
                let issue = Issue { moment, digest, session, supersedes: Vec::new(), max_per_subject: 100 };
                assert_eq!(database.sessions().issue(issue).await.unwrap(), Issued::Created { over_cap: 0 });
            }
            database.close().await;
            ids
        })
    }

    /// The ids a list shows, newest first.
    pub(crate) fn listed(&self, args: &[&str]) -> Vec<String> {
        let list = self.run(&[&["session", "list", "--json"], args].concat()).done();
        let list: Vec<Value> = serde_json::from_str(&list).unwrap();
        list.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The reasons of recorded events of revoked tokens.
    pub(crate) fn revocations(&self) -> Vec<Value> {
        let events: Vec<Value> = serde_json::from_str(&self.run(&["event", "list", "--json"]).done()).unwrap();
        events.into_iter().filter(|event| event["event"] == "authn_token_revoked").collect()
    }

    /// Runs SQL as somebody else would; the first line it answers.
    pub(crate) fn sql(&self, sqlite: &str, postgres: &str) -> String {
        if let Some(schema) = &self.schema {
            return schema.psql(postgres).unwrap().lines().next().unwrap_or_default().to_owned();
        }
        let path = self.place.0.path().join("cloakroom.db");
        let output = Command::new("sqlite3").args(["-bail", "-cmd", ".timeout 5000"]).arg(path).arg(sqlite).output();
        let output = output.expect("the sqlite3 shell is needed: `cargo xtask test` installs it");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().next().unwrap_or_default().to_owned()
    }

    pub(crate) fn number(&self, sql: &str) -> u64 {
        self.sql(sql, sql).trim().parse().unwrap()
    }

    /// So many sessions more, of subject `crowd`, for an hour.
    pub(crate) fn crowd(&self, sessions: u32) {
        let now = SystemClock.now().as_millis();
        self.sql(
            &format!(
                "INSERT INTO session_subjects (subject) VALUES ('crowd');
                 WITH RECURSIVE row (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < {sessions}),
                 timed AS (SELECT n, printf('%012x', {now} - n) AS hex FROM row)
                 INSERT INTO sessions SELECT randomblob(32), printf('%s-%s-7000-8000-%012x', substr(hex, 1, 8), substr(hex, 9), n),
                 'crowd', {now} - n, {now} - n, {now} - n, NULL, {now} + 3600000, 'password', 'Crowd/1.0', '192.0.2.1' FROM timed"
            ),
            &format!(
                "INSERT INTO session_subjects (subject) VALUES ('crowd');
                 INSERT INTO sessions SELECT sha256(int8send(n)),
                 (lpad(to_hex({now} - n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, 'crowd', now(), now(), now(), NULL,
                 now() + interval '1 hour', 'password', 'Crowd/1.0', '192.0.2.1' FROM generate_series(1::bigint, {sessions}) n"
            ),
        );
    }
}
