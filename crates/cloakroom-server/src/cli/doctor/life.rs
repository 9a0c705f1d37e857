//! The life of a session, looked at from both ends: over HTTP as its holder, and in the database as its keeper.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use cloakroom::Validation;
use cloakroom::world::SystemClock;
use cloakroom_core::ending::EndReason;
use cloakroom_core::store::Target;
use cloakroom_core::time::Steady;
use cloakroom_core::token::{TOKEN_PREFIX, Token, TokenDigest};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use futures_util::future::join_all;
use http::HeaderValue;
use hyper::body::Bytes;
use serde_json::json;
use zeroize::Zeroizing;

use super::answers::{self, SetCookie};
use super::finding::{Check, Finding, Said, say};
use super::throwaway::Visit;
use super::visitor::{Answer, Visitor};

/// How long a session is left alone before it is tried again.
const PAUSE: Duration = Duration::from_millis(5);
/// How long one that should be refused is tried, past the time at which it has to be.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the life of a session is looked at with.
pub(super) struct Life<'a> {
    pub(super) server: &'a Visitor,
    pub(super) instances: &'a [Visitor],
    pub(super) database: &'a Database,
    pub(super) validation: Validation,
    pub(super) visit: &'a Visit,
    /// Every session that was made: ended in any case. And what must stand in no report.
    pub(super) digests: Vec<TokenDigest>,
    pub(super) secrets: Vec<Zeroizing<String>>,
    pub(super) findings: Vec<Finding>,
}

/// A session, as its holder has it.
struct Held {
    cookie: HeaderValue,
    digest: TokenDigest,
    token: Zeroizing<String>,
}

impl Life<'_> {
    /// Logs in, looks, logs out; logs in again, deletes the row, looks again.
    pub(super) async fn examine(&mut self) {
        let Some(first) = self.log_in(true).await else { return };
        self.findings.push(answers::headers(self.server, &first.cookie).await);
        let known = self.known_by(&first).await;
        let no_token = self.no_token(&first.token).await;
        self.findings.push(no_token);
        let bound = self.bound();
        let logged_out = self.log_out(&first).await;
        let (mut here, mut there) = (Vec::new(), Vec::new());
        if let Some(since) = logged_out {
            let (of_server, of_instances) = self.refused(&first, since, bound, &known).await;
            here.push(("doctor-refusal-logout", of_server));
            there.push(of_instances);
        }
        // Only this process has said so, and it gives nobody a hint: what counts is the database.
        if let Some(second) = self.log_in(false).await {
            self.known_by(&second).await;
            let target = Target::Token(second.digest);
            let ended = self.database.sessions().end(target, EndReason::Administrator, SystemClock.now()).await;
            let since = SystemClock.steady();
            if ended.is_ok_and(|ended| ended == 1) {
                let (of_server, of_instances) = self.refused(&second, since, bound, &known).await;
                here.push(("doctor-refusal-row", of_server));
                there.push(of_instances);
            }
        }
        self.findings.push(refusal(here, self.validation));
        self.findings.push(everywhere(there, known.iter().any(|known| *known), bound));
    }

    async fn log_in(&mut self, is_first: bool) -> Option<Held> {
        let body = json!({ "login_name": self.visit.name.as_str(), "password": &**self.visit.password });
        let body = Bytes::from(body.to_string());
        let answer = match self.server.post("/api/v1/login", None, Some(body)).await {
            Ok(answer) => answer,
            Err(error) => {
                let found = say("doctor-unreachable").with("url", self.server.url().as_str()).with("why", error);
                self.say_login(is_first, Finding::failed(Check::Login, found, say("doctor-login-advice")));
                return None;
            }
        };
        let cookie = SetCookie::of(&answer);
        let token = cookie.as_ref().and_then(|cookie| Token::parse(&cookie.token).ok());
        let (Some(cookie), Some(token), 200) = (cookie, token, answer.status.as_u16()) else {
            let found = say("doctor-login-refused").with("outcome", answer.outcome());
            self.say_login(is_first, Finding::failed(Check::Login, found, say("doctor-login-advice")));
            return None;
        };
        let digest = token.digest();
        self.digests.push(digest);
        self.secrets.push(cookie.token.clone());
        let row = self.database.sessions().find(digest).await;
        let finding = match (row, id_in(&answer)) {
            (Ok(Some(row)), Some(id)) if row.id.to_string() == id => {
                Finding::passed(Check::Login, say("doctor-login-row").with("id", id))
            }
            (Ok(_), _) => Finding::failed(Check::Login, say("doctor-login-no-row"), say("doctor-login-advice")),
            (Err(error), _) => Finding::failed(
                Check::Login,
                say("doctor-database-refuses").with("why", error),
                say("doctor-login-advice"),
            ),
        };
        let is_there = finding.status.as_str() == "pass";
        self.say_login(is_first, finding);
        if is_first {
            self.findings.push(cookie.judge(self.server.url()));
        }
        let held = Held { cookie: cookie.as_sent()?, digest, token: cookie.token };
        is_there.then_some(held)
    }

    fn say_login(&mut self, is_first: bool, finding: Finding) {
        if is_first {
            self.findings.push(finding);
        }
    }

    /// Which instances accept the session; whether all do is a check of its own, the first time.
    async fn known_by(&mut self, held: &Held) -> Vec<bool> {
        let asked =
            join_all(self.instances.iter().map(|instance| instance.get("/api/v1/session", Some(&held.cookie)))).await;
        let known: Vec<_> =
            asked.iter().map(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200)).collect();
        if self.findings.iter().any(|finding| finding.check == Check::Instances) {
            return known;
        }
        if self.instances.is_empty() {
            self.findings.push(Finding::skipped(Check::Instances, say("doctor-instances-none")));
            return known;
        }
        let refused = self.instances.iter().zip(&asked).filter_map(|(instance, answer)| {
            let url = instance.url().as_str();
            match answer {
                Ok(answer) if answer.status == 200 => None,
                Ok(answer) => Some(say("doctor-instances-refused").with("url", url).with("outcome", answer.outcome())),
                Err(error) => Some(say("doctor-unreachable").with("url", url).with("why", error)),
            }
        });
        let well = say("doctor-instances-all").with("count", self.instances.len());
        self.findings.push(Finding::of(Check::Instances, refused.collect(), well, say("doctor-instances-advice")));
        known
    }

    async fn no_token(&self, token: &str) -> Finding {
        let text = token.strip_prefix(TOKEN_PREFIX).unwrap_or(token);
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).unwrap_or_default());
        let other = Zeroizing::new(STANDARD_NO_PAD.encode(&*bytes));
        let password = self.visit.password.as_bytes();
        let searched = self.database.search(&[text.as_bytes(), other.as_bytes(), &bytes, password]).await;
        let advice = say("doctor-no-token-advice");
        match searched {
            Err(error) => Finding::failed(Check::NoToken, say("doctor-database-refuses").with("why", error), advice),
            Ok(searched) if searched.found_in.is_empty() => Finding::passed(
                Check::NoToken,
                say("doctor-no-token-well").with("columns", searched.columns.len()).with("rows", searched.rows),
            ),
            Ok(searched) => {
                let found = say("doctor-no-token-found").with("columns", searched.found_in.join(", "));
                Finding::failed(Check::NoToken, found, advice)
            }
        }
    }

    /// Logs out; from when on it is so, where it is.
    async fn log_out(&mut self, held: &Held) -> Option<Steady> {
        let advice = say("doctor-logout-advice");
        let answer = self.server.post("/api/v1/logout", Some(&held.cookie), None).await;
        let since = SystemClock.steady();
        let mut problems = Vec::new();
        match &answer {
            Err(error) => problems.push(say("doctor-unreachable").with("url", "/api/v1/logout").with("why", error)),
            Ok(answer) if answer.status != 204 => {
                problems.push(say("doctor-logout-refused").with("outcome", answer.outcome()));
            }
            Ok(answer) if !SetCookie::of(answer).is_some_and(|cookie| cookie.is_expiring()) => {
                problems.push(say("doctor-logout-cookie"));
            }
            Ok(_) => {}
        }
        let row = self.database.sessions().find(held.digest).await;
        let is_gone = matches!(row, Ok(None));
        match row {
            Ok(None) => {}
            Ok(Some(_)) => problems.push(say("doctor-logout-row")),
            Err(error) => problems.push(say("doctor-database-refuses").with("why", error)),
        }
        self.findings.push(Finding::of(Check::Logout, problems, say("doctor-logout-well"), advice));
        is_gone.then_some(since)
    }

    /// How long after an ending it may still be served.
    const fn bound(&self) -> Duration {
        match &self.validation {
            Validation::Strict => Duration::ZERO,
            Validation::Leased(terms) => terms.lease,
        }
    }

    /// How long after `since` the server and the instances that knew the session refused it.
    async fn refused(
        &self,
        held: &Held,
        since: Steady,
        bound: Duration,
        known: &[bool],
    ) -> (Refused, Vec<(String, Refused)>) {
        let instances = self.instances.iter().zip(known).filter(|(_, known)| **known).map(|(instance, _)| instance);
        let there = join_all(instances.map(async |instance| {
            (instance.url().as_str().to_owned(), until_refused(instance, &held.cookie, since, bound).await)
        }));
        futures_util::future::join(until_refused(self.server, &held.cookie, since, bound), there).await
    }
}

/// When a session was refused, in the time since its end; or how it was not.
type Refused = Result<Duration, Said>;

/// Asks until the session is refused. Served by a request that was sent past the bound, it is a failure.
async fn until_refused(server: &Visitor, cookie: &HeaderValue, since: Steady, bound: Duration) -> Refused {
    let url = server.url().as_str();
    loop {
        let answer = server.get("/api/v1/session", Some(cookie)).await;
        let after = SystemClock.steady().since(since);
        let problem = match answer {
            Ok(answer) if answer.status == 401 => return Ok(answer.sent.since(since)),
            Ok(answer) if answer.status == 200 => {
                let sent = answer.sent.since(since);
                if sent >= bound {
                    return Err(say("doctor-refusal-served").with("url", url).with("millis", millis(sent)));
                }
                None
            }
            Ok(answer) => Some(say("doctor-refusal-other").with("url", url).with("outcome", answer.outcome())),
            Err(error) => Some(say("doctor-unreachable").with("url", url).with("why", error)),
        };
        if let Some(problem) = problem
            && after > bound + PATIENCE
        {
            return Err(problem);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn refusal(of: Vec<(&'static str, Refused)>, validation: Validation) -> Finding {
    if of.is_empty() {
        return Finding::skipped(Check::Refusal, say("doctor-nothing-ended"));
    }
    let advice = match validation {
        Validation::Strict => say("doctor-refusal-strict-advice"),
        Validation::Leased(_) => say("doctor-refusal-leased-advice"),
    };
    let (mut problems, mut well) = (Vec::new(), Vec::new());
    for (key, refused) in of {
        match refused {
            Ok(after) => well.push(say(key).with("millis", millis(after))),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        return Finding { evidence: well, ..Finding::passed(Check::Refusal, say("doctor-nothing-ended")) };
    }
    Finding { evidence: problems, ..Finding::failed(Check::Refusal, say("doctor-nothing-ended"), advice) }
}

fn everywhere(of: Vec<Vec<(String, Refused)>>, is_any_known: bool, bound: Duration) -> Finding {
    if !is_any_known {
        return Finding::skipped(Check::Everywhere, say("doctor-everywhere-none"));
    }
    let (mut slowest, mut problems, mut count) = (Duration::ZERO, Vec::new(), 0);
    for round in of {
        count = round.len();
        for (_, refused) in round {
            match refused {
                Ok(after) => slowest = slowest.max(after),
                Err(problem) => problems.push(problem),
            }
        }
    }
    let well = say("doctor-everywhere-well").with("count", count).with("millis", millis(slowest));
    let well = well.with("bound", bound.as_millis());
    Finding::of(Check::Everywhere, problems, well, say("doctor-everywhere-advice"))
}

/// In milliseconds, to a tenth.
fn millis(span: Duration) -> String {
    format!("{:.1}", span.as_secs_f64() * 1000.0)
}

fn id_in(answer: &Answer) -> Option<String> {
    answer.json()?["session"]["id"].as_str().map(str::to_owned)
}
