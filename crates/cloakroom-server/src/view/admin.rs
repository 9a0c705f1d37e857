//! What the administrators' pages show: templates and their words, no decisions.

pub(crate) mod service_tokens;

use askama::Template;
use cloakroom::{FormToken, Principal, SessionId, SessionRecord, Timestamp};
use cloakroom_core::account::{Account, Role};
use cloakroom_core::store::SessionFilter;

use super::{Complaints, Expires, ShownEnding, Words};
use crate::activity::ShownEvent;
use crate::fields::FieldError;
use crate::filter;
use crate::relative_time::in_words;

/// A time: in words, and as it is.
#[derive(Debug)]
pub(crate) struct ShownTime {
    said: String,
    at: String,
}

impl ShownTime {
    fn ago(words: Words<'_>, at: Timestamp, now: Timestamp) -> Self {
        Self { said: words.ago(at, now), at: at.to_string() }
    }

    fn ahead(words: Words<'_>, at: Timestamp, now: Timestamp) -> Self {
        let (key, count) = in_words(now, at);
        let key = match key {
            "time-minutes-ago" => "admin-in-minutes",
            "time-hours-ago" => "admin-in-hours",
            "time-days-ago" => "admin-in-days",
            _ => "admin-in-a-moment",
        };
        Self { said: words.with(key, &[("count", count.to_string())]), at: at.to_string() }
    }
}

/// How many there are, or at least are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) found: usize,
    pub(crate) is_more: bool,
}

impl Counted {
    fn said(self, words: &Words<'_>) -> String {
        let count = [("count", self.found.to_string())];
        if self.is_more { words.with("admin-at-least", &count) } else { self.found.to_string() }
    }
}

/// What was done a moment ago: of a closed list, because an address says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice {
    key: &'static str,
    ended: u64,
}

impl Notice {
    pub(crate) fn of(done: &str, ended: u64) -> Option<Self> {
        let key = match done {
            "end_one" | "end_all_of" | "end_matching" => "admin-done-ended",
            "disable" => "admin-done-disabled",
            "enable" => "admin-done-enabled",
            "unlock" => "admin-done-unlocked",
            "remove_service_token" => "admin-tokens-removed",
            _ => return None,
        };
        Some(Self { key, ended })
    }

    pub(crate) fn said(self, words: Words<'_>) -> String {
        words.with(self.key, &[("count", self.ended.to_string())])
    }
}

/// A line of the overview.
#[derive(Debug)]
pub(crate) struct Row {
    title: String,
    said: String,
    is_good: bool,
    at: Option<String>,
}

impl Row {
    pub(crate) const fn new(title: String, said: String, is_good: bool) -> Self {
        Self { title, said, is_good, at: None }
    }

    pub(crate) const fn good(title: String, said: String) -> Self {
        Self::new(title, said, true)
    }

    /// With the time it speaks of.
    pub(crate) fn at(self, at: Timestamp) -> Self {
        Self { at: Some(at.to_string()), ..self }
    }
}

#[derive(Debug, Template)]
#[template(path = "admin_overview.html")]
pub(crate) struct OverviewPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) rows: Vec<Row>,
}

/// What was typed into the search form.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) who: String,
    pub(crate) network: String,
    pub(crate) browser: String,
    pub(crate) older_than: String,
    pub(crate) auth_method: String,
}

impl Search {
    /// The same as the query of an address, with where its page begins.
    pub(crate) fn query(&self, before: Option<SessionId>) -> String {
        let before = before.map(|id| id.to_string()).unwrap_or_default();
        let pairs = [
            ("who", self.who.as_str()),
            ("network", &self.network),
            ("browser", &self.browser),
            ("older_than", &self.older_than),
            ("auth_method", &self.auth_method),
            ("before", &before),
        ];
        filter::query(pairs.into_iter().filter(|(_, value)| !value.is_empty()))
    }
}

/// A session in a table.
#[derive(Debug)]
pub(crate) struct ShownSession {
    id: String,
    who: String,
    link: Option<String>,
    device: String,
    network: String,
    created: ShownTime,
    seen: ShownTime,
    expires: ShownTime,
    method: String,
    is_this: bool,
    end: String,
}

impl ShownSession {
    /// `who` is the login name with the address of the account, or the subject.
    pub(crate) fn new(
        words: Words<'_>,
        record: &SessionRecord,
        of: &Principal,
        (who, link): (String, Option<String>),
        is_this: bool,
        now: Timestamp,
    ) -> Self {
        let absolute = of.absolute_expires_at();
        let expires = of.idle_expires_at().map_or(absolute, |idle| idle.min(absolute));
        let seen = if is_this { now } else { record.last_seen_at };
        let device = words.device(record.client.user_agent());
        let method = match record.auth_method.as_str() {
            "password" => words.say("password"),
            other => other.to_owned(),
        };
        Self {
            id: record.id.to_string(),
            end: words.with("admin-end-one", &[("who", who.clone()), ("device", device.clone())]),
            who,
            link,
            device,
            network: record.client.ip().map_or_else(|| words.say("admin-unknown"), |ip| ip.to_string()),
            created: ShownTime::ago(words, record.created_at, now),
            seen: ShownTime::ago(words, seen, now),
            expires: ShownTime::ahead(words, expires, now),
            method,
            is_this,
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "admin_sessions.html")]
pub(crate) struct SessionsPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) notice: Option<String>,
    pub(crate) search: Search,
    pub(crate) complaints: Complaints,
    pub(crate) sessions: Vec<ShownSession>,
    pub(crate) is_first: bool,
    /// Whether the search stopped at its bound, and there may be more.
    pub(crate) is_cut_short: bool,
    /// The query of the next page.
    pub(crate) older: Option<String>,
    /// The query of the page that ends all that match, where anything is searched for.
    pub(crate) end: Option<String>,
    /// Where to come back to.
    pub(crate) back: String,
}

impl<'a> SessionsPage<'a> {
    pub(crate) fn empty(words: Words<'a>, form_token: &'a FormToken, expires: Expires) -> Self {
        Self {
            words,
            form_token,
            expires,
            notice: None,
            search: Search::default(),
            complaints: Complaints::default(),
            sessions: Vec::new(),
            is_first: true,
            is_cut_short: false,
            older: None,
            end: None,
            back: String::new(),
        }
    }

    pub(crate) fn complaining(self, errors: &[FieldError]) -> Self {
        let shown = &["who", "network", "browser", "older_than", "auth_method"];
        Self { complaints: Complaints::new(self.words, errors, shown), ..self }
    }
}

#[derive(Debug, Template)]
#[template(path = "admin_end.html")]
pub(crate) struct EndPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) notice: Option<String>,
    /// The filter, a line for each of its parts.
    pub(crate) asked: Vec<String>,
    pub(crate) matching: Counted,
    pub(crate) all: Counted,
    /// Whether the session of this request is one of them.
    pub(crate) is_own_among: bool,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) back: String,
}

impl EndPage<'_> {
    pub(crate) fn in_words(
        words: Words<'_>,
        filter: &SessionFilter,
        account: Option<&Account>,
        now: Timestamp,
    ) -> Vec<String> {
        let SessionFilter { subject, network, created_before, auth_method, browser } = filter;
        let who = account.map(|account| account.login_name.to_string());
        let who = who.or_else(|| subject.as_ref().map(ToString::to_string));
        let when = |at: &Timestamp| format!("{at} ({})", words.ago(*at, now));
        let parts = [
            ("admin-of-whom", who),
            ("admin-of-network", network.map(|network| network.to_string())),
            ("admin-of-browser", browser.as_ref().map(ToString::to_string)),
            ("admin-of-age", created_before.as_ref().map(when)),
            ("admin-of-method", auth_method.as_ref().map(|method| method.as_str().to_owned())),
        ];
        parts.into_iter().filter_map(|(key, value)| Some(words.with(key, &[("value", value?)]))).collect()
    }

    fn how_many(&self) -> String {
        let values = [("matching", self.matching.said(&self.words)), ("all", self.all.said(&self.words))];
        self.words.with("admin-end-count", &values)
    }
}

/// An account in a table, or on its page.
#[derive(Debug)]
pub(crate) struct ShownAccount {
    name: String,
    link: String,
    role: String,
    created: ShownTime,
    disabled: Option<ShownTime>,
    sessions: String,
    subject: String,
}

impl ShownAccount {
    pub(crate) fn new(words: Words<'_>, account: &Account, link: String, sessions: Counted, now: Timestamp) -> Self {
        Self {
            name: account.login_name.to_string(),
            link,
            role: words.say(match account.role {
                Role::Person => "admin-role-person",
                Role::Administrator => "admin-role-administrator",
            }),
            created: ShownTime::ago(words, account.created_at, now),
            disabled: account.disabled_at.map(|at| ShownTime::ago(words, at, now)),
            sessions: sessions.said(&words),
            subject: account.subject.to_string(),
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "admin_accounts.html")]
pub(crate) struct AccountsPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) typed: String,
    pub(crate) accounts: Vec<ShownAccount>,
    /// The query of the next page.
    pub(crate) next: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "admin_account.html")]
pub(crate) struct AccountView<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) notice: Option<String>,
    pub(crate) account: ShownAccount,
    pub(crate) is_own: bool,
    pub(crate) is_locked: bool,
    pub(crate) sessions: Vec<ShownSession>,
    /// Where to come back to: this page.
    pub(crate) back: String,
    pub(crate) activity: Vec<ShownEvent>,
    pub(crate) history: Vec<ShownEnding>,
}

/// What is asked before it is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    EndAll,
    Disable,
}

#[derive(Debug, Template)]
#[template(path = "admin_question.html")]
pub(crate) struct QuestionPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) question: Question,
    pub(crate) name: String,
    pub(crate) is_own: bool,
    pub(crate) sessions: Counted,
    /// Of the account's page.
    pub(crate) address: String,
}

impl QuestionPage<'_> {
    fn title(&self) -> String {
        self.words.say(match self.question {
            Question::EndAll => "admin-end-all",
            Question::Disable => "admin-disable",
        })
    }

    fn asked(&self) -> String {
        let key = match self.question {
            Question::EndAll => "admin-end-all-asked",
            Question::Disable => "admin-disable-asked",
        };
        self.words.with(key, &[("name", self.name.clone()), ("count", self.sessions.said(&self.words))])
    }

    const fn path(&self) -> &'static str {
        match self.question {
            Question::EndAll => "end-all",
            Question::Disable => "disable",
        }
    }

    /// Whether it can be done: nobody disables the own account.
    const fn is_possible(&self) -> bool {
        !(self.is_own && matches!(self.question, Question::Disable))
    }
}
