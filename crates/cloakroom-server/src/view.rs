//! What the pages show: templates and their words, no decisions. Handlers fill these in; askama escapes every value.

pub(crate) mod admin;
pub(crate) mod chart;

use askama::Template;
use cloakroom::{FormToken, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

mod complaints;
mod ending;
mod expires;
mod not_me;
mod words;

pub(crate) use complaints::Complaints;
pub(crate) use ending::ShownEnding;
pub(crate) use expires::Expires;
pub(crate) use not_me::{NewPasswordPage, NotMePage};
pub(crate) use words::{Message, Words};

use crate::activity::ShownEvent;
use crate::afterwards::Then;
use crate::device::{self, Kind};
use crate::ends::Ends;
use crate::fields::FieldError;
use crate::network::Here;

/// A form that comes back: the login name that was typed, and what is wrong. Never a password.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) login_name: String,
    complaints: Complaints,
}

impl Form {
    pub(crate) fn new(
        words: Words<'_>,
        login_name: &str,
        errors: &[FieldError],
        shown: &'static [&'static str],
    ) -> Self {
        Self { login_name: login_name.to_owned(), complaints: Complaints::new(words, errors, shown) }
    }

    fn error(&self, field: &str) -> &str {
        self.complaints.about(field)
    }

    fn others(&self) -> Vec<String> {
        self.complaints.others()
    }
}

#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form: Form,
    pub(crate) keep: bool,
    pub(crate) return_to: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) message: Option<Message>,
}

impl LoginPage<'_> {
    /// Where it is, with where it leads.
    fn here(&self) -> String {
        self.return_to.as_ref().map_or_else(
            || "/login".to_owned(),
            |target| format!("/login?return_to={}", utf8_percent_encode(target, NON_ALPHANUMERIC)),
        )
    }
}

#[derive(Debug, Template)]
#[template(path = "setup.html")]
pub(crate) struct SetupPage<'a> {
    pub(crate) words: Words<'a>,
    /// Where it is.
    pub(crate) here: String,
    pub(crate) form: Form,
}

#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) form: Form,
    pub(crate) expires: Expires,
    /// What is done once the password is proven.
    pub(crate) then: Option<Then>,
    pub(crate) message: Option<Message>,
}

impl ConfirmPage<'_> {
    /// What the password is asked for.
    fn why(&self) -> String {
        self.words.say(match self.then {
            Some(Then::Ends(Ends::One(_))) => "confirm-end-one",
            Some(Then::Ends(Ends::Others)) => "confirm-end-others",
            Some(Then::Ends(Ends::All)) => "confirm-end-all",
            Some(Then::Ends(Ends::NotMe)) => "confirm-not-me",
            Some(Then::Administrate(_)) => "confirm-administrate",
            Some(Then::Show(_)) => "confirm-show",
            None => "confirm-nothing",
        })
    }
}

#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) message: Message,
    pub(crate) errors: Vec<(String, String)>,
    pub(crate) request_id: String,
    /// Where it happened, or another place of this site.
    pub(crate) here: String,
}

#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) notice: Option<String>,
    pub(crate) expires: Expires,
    pub(crate) name: String,
    /// Whether there is a way to the administrators' pages.
    pub(crate) is_administrator: bool,
    pub(crate) signed_in_as: String,
    pub(crate) devices: Vec<ShownDevice>,
    pub(crate) activity: Vec<ShownEvent>,
    pub(crate) history: Vec<ShownEnding>,
    pub(crate) form: Form,
}

/// A device on the account page.
#[derive(Debug)]
pub(crate) struct ShownDevice {
    id: String,
    is_this: bool,
    icon: &'static str,
    name: String,
    sign_out: String,
    last_seen: String,
    last_seen_at: String,
    last_seen_date: String,
    created: String,
    created_at: String,
    created_date: String,
    from: Option<String>,
}

impl ShownDevice {
    pub(crate) fn new(words: Words<'_>, record: &cloakroom::SessionRecord, here: &Here, now: Timestamp) -> Self {
        let is_this = record.id == here.session;
        let kind = device::name(record.client.user_agent()).kind;
        let name = words.device(record.client.user_agent());
        let seen = if is_this { now } else { record.last_seen_at };
        Self {
            id: record.id.to_string(),
            is_this,
            icon: match kind {
                Kind::Desktop => "desktop",
                Kind::Phone => "phone",
                Kind::Tool => "tool",
                Kind::Unknown => "unknown",
            },
            sign_out: words.with("account-sign-out-device", &[("device", name.clone())]),
            name,
            last_seen: words.with("account-last-seen", &[("when", words.ago(seen, now))]),
            last_seen_at: seen.to_string(),
            last_seen_date: words.date(seen),
            created: words.with("account-signed-in", &[("when", words.ago(record.created_at, now))]),
            created_at: record.created_at.to_string(),
            created_date: words.date(record.created_at),
            from: record.client.ip().map(|ip| here.in_words(words, ip)),
        }
    }
}

impl<'a> AccountPage<'a> {
    /// After so many milliseconds of waiting.
    pub(crate) fn signed_out_everywhere(words: Words<'a>, ms: u64) -> String {
        words.with("account-everywhere", &[("seconds", format!("{}.{}", ms / 1000, ms % 1000 / 100))])
    }

    pub(crate) fn signed_in_as(words: Words<'a>, name: &str) -> String {
        words.with("account-signed-in-as", &[("name", name.to_owned())])
    }
}

#[cfg(test)]
mod tests;
