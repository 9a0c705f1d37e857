//! What the pages show: templates and their words, no decisions. Handlers fill these in; askama escapes every value.

pub(crate) mod admin;
pub(crate) mod chart;

use askama::Template;
use cloakroom::{Code, EndReason, FormToken, Past, Timestamp};
use cloakroom_core::password::PasswordRefusal;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

mod expires;
mod not_me;

pub(crate) use expires::Expires;
pub(crate) use not_me::{NewPasswordPage, NotMePage};

use crate::absolute_time;
use crate::activity::ShownEvent;
use crate::afterwards::Then;
use crate::assets;
use crate::device::{self, Kind};
use crate::ends::Ends;
use crate::fields::{Complaint, FieldError};
use crate::locale::{Catalogue, Locale};
use crate::network::Here;
use crate::relative_time::{in_words, span_in_words};

/// The catalogue in one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    catalogue: &'a Catalogue,
    locale: Locale,
}

impl<'a> Words<'a> {
    pub(crate) const fn new(catalogue: &'a Catalogue, locale: Locale) -> Self {
        Self { catalogue, locale }
    }

    pub(crate) fn say(&self, key: &str) -> String {
        self.with(key, &[])
    }

    pub(crate) fn with(&self, key: &str, values: &[(&str, String)]) -> String {
        self.catalogue.say(self.locale, key, values)
    }

    pub(crate) const fn locale(&self) -> Locale {
        self.locale
    }

    pub(crate) const fn tag(&self) -> &'static str {
        self.locale.tag()
    }

    /// Every language to choose from.
    #[expect(clippy::unused_self, reason = "templates reach it through their words")]
    pub(crate) const fn languages(&self) -> [Locale; 2] {
        Locale::ALL
    }

    #[expect(clippy::unused_self, reason = "templates reach it through their words")]
    pub(crate) fn style(&self) -> String {
        assets::style()
    }

    #[expect(clippy::unused_self, reason = "templates reach it through their words")]
    pub(crate) fn script(&self) -> String {
        assets::script()
    }

    #[expect(clippy::unused_self, reason = "templates reach it through their words")]
    pub(crate) fn icon(&self) -> String {
        assets::tag()
    }

    /// What a code means and what to do next.
    pub(crate) fn of_code(&self, code: Code) -> Message {
        self.titled(&format!("code-{code}"))
    }

    /// A message that has a title and says what to do next.
    pub(crate) fn titled(&self, message: &str) -> Message {
        Message { title: self.say(message), detail: self.say(&format!("{message}-next")) }
    }

    /// Browser and system by name.
    pub(crate) fn device(&self, user_agent: Option<&str>) -> String {
        let device = device::name(user_agent);
        let browser = device.browser.unwrap_or_else(|| self.say("account-unknown-browser"));
        match device.system {
            Some(system) => self.with("account-device", &[("browser", browser), ("system", system)]),
            None => browser,
        }
    }

    fn why(&self, reason: EndReason) -> String {
        self.say(&format!("ended-{reason}"))
    }

    pub(crate) fn ago(&self, then: Timestamp, now: Timestamp) -> String {
        let (key, count) = in_words(then, now);
        self.with(key, &[("count", count.to_string())])
    }

    /// Date and time of day.
    pub(crate) fn date(&self, at: Timestamp) -> String {
        absolute_time::date_and_time(at, self.locale)
    }

    /// The same, without the date where it is today.
    pub(crate) fn soon(&self, at: Timestamp, now: Timestamp) -> String {
        absolute_time::soon(at, now, self.locale)
    }

    /// Why somebody who comes to the login page is not signed in any more.
    pub(crate) fn farewell(&self, past: &Past, now: Timestamp) -> String {
        let mut values = vec![("when", self.ago(past.at, now))];
        let mut key = format!("came-{}", past.reason);
        if let Some(after) = past.after {
            key += "-after";
            let (unit, count) = span_in_words(after);
            values.push(("span", self.with(unit, &[("count", count.to_string())])));
        }
        self.with(&key, &values)
    }

    /// A complaint in words.
    pub(crate) fn of_complaint(&self, complaint: &Complaint) -> String {
        let key = match complaint {
            Complaint::Missing => "complaint-missing",
            Complaint::Unknown => "complaint-unknown",
            Complaint::Doubled => "complaint-doubled",
            Complaint::WrongType => "complaint-wrong-type",
            Complaint::TooLong => "complaint-too-long",
            Complaint::Invisible => "complaint-invisible",
            Complaint::NotAllowed => "complaint-not-allowed",
            Complaint::Mismatch => "complaint-mismatch",
            Complaint::NotThePassword => "complaint-not-the-password",
            Complaint::Unreadable => "complaint-unreadable",
            Complaint::OwnAccount => "complaint-own-account",
            Complaint::Password(refusal) => return self.of_refusal(*refusal),
        };
        self.say(key)
    }

    fn of_refusal(&self, refusal: PasswordRefusal) -> String {
        let values: Vec<_> = refusal.values().into_iter().map(|(name, value)| (name, value.to_string())).collect();
        self.with(&format!("password-{}", refusal.code()), &values)
    }
}

/// What happened, and what to do next.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) title: String,
    pub(crate) detail: String,
}

/// A form that comes back: the login name that was typed, and what is wrong. Never a password.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) login_name: String,
    errors: Vec<(String, String)>,
    /// The fields the page shows; complaints about others are shown above it.
    shown: &'static [&'static str],
}

impl Form {
    pub(crate) fn new(
        words: Words<'_>,
        login_name: &str,
        errors: &[FieldError],
        shown: &'static [&'static str],
    ) -> Self {
        let errors = errors.iter().map(|error| (error.field.clone(), words.of_complaint(&error.complaint))).collect();
        Self { login_name: login_name.to_owned(), errors, shown }
    }

    fn error(&self, field: &str) -> &str {
        self.errors.iter().find(|(found, _)| found == field).map_or("", |(_, said)| said)
    }

    fn others(&self) -> Vec<String> {
        let is_other = |(field, _): &&(String, String)| !self.shown.contains(&field.as_str());
        self.errors.iter().filter(is_other).map(|(field, said)| format!("{field}: {said}")).collect()
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

/// A session that ended, on the account page.
#[derive(Debug)]
pub(crate) struct ShownEnding {
    why: String,
    at: String,
    when: String,
    date: String,
    /// Whether somebody who signed in as this person may have done it.
    is_deniable: bool,
}

impl ShownEnding {
    pub(crate) fn new(words: Words<'_>, ending: &cloakroom::Ending, now: Timestamp) -> Self {
        Self {
            why: words.why(ending.reason),
            at: ending.at.to_string(),
            when: words.ago(ending.at, now),
            date: words.date(ending.at),
            is_deniable: matches!(
                ending.reason,
                EndReason::OtherDevice | EndReason::PasswordChanged | EndReason::SubjectWide
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reason_and_refusal_has_words_in_both_languages() {
        let catalogue = Catalogue::load().unwrap();
        let mut keys: Vec<_> =
            Code::ALL.iter().flat_map(|code| [format!("code-{code}"), format!("code-{code}-next")]).collect();
        keys.extend(EndReason::ALL.iter().flat_map(|reason| [format!("ended-{reason}"), format!("came-{reason}")]));
        keys.extend(PasswordRefusal::CODES.iter().map(|code| format!("password-{code}")));
        for locale in [Locale::English, Locale::Japanese] {
            for key in &keys {
                assert_ne!(&Words::new(&catalogue, locale).say(key), key);
            }
        }
    }

    #[test]
    fn what_people_typed_is_escaped() {
        let catalogue = Catalogue::load().unwrap();
        let words = Words::new(&catalogue, Locale::English);
        let evil = "\"><script>alert(1)</script>";
        let errors = [FieldError::new(evil, Complaint::Unknown)];
        let form = Form::new(words, evil, &errors, &["login_name"]);
        let page = LoginPage { words, form, keep: true, return_to: Some(evil.to_owned()), notice: None, message: None };
        let html = page.render().unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("checked"));
    }

    #[test]
    fn pages_have_neither_scripts_nor_inline_styles_and_every_input_has_a_label() {
        let catalogue = Catalogue::load().unwrap();
        let words = Words::new(&catalogue, Locale::Japanese);
        let form = || Form::new(words, "", &[FieldError::new("password", Complaint::Missing)], &["password"]);
        let pages = [
            LoginPage { words, form: form(), keep: false, return_to: None, notice: None, message: None }.render(),
            SetupPage { words, here: String::new(), form: form() }.render(),
        ];
        for html in pages.map(Result::unwrap) {
            assert!(!html.contains("<script") && !html.contains("style=") && html.contains(r#"lang="ja""#));
            for input in html.split("<input ").skip(1).filter(|input| !input.contains(r#"type="hidden""#)) {
                let id = input.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
                assert!(html.contains(&format!("<label for=\"{id}\"")), "{id} has no label");
            }
            assert!(html.contains(r#"aria-invalid="true""#));
        }
    }

    #[test]
    fn numbers_follow_plural_rules() {
        let catalogue = Catalogue::load().unwrap();
        let now = Timestamp::from_millis(1_790_000_000_000);
        let ago = |seconds| {
            let then = now.minus(std::time::Duration::from_secs(seconds));
            Words::new(&catalogue, Locale::English).ago(then, now)
        };
        assert_eq!((ago(60).as_str(), ago(120).as_str()), ("one minute ago", "2 minutes ago"));
        let words = Words::new(&catalogue, Locale::English);
        assert_eq!(AccountPage::signed_in_as(words, "007"), "Signed in as 007", "a name is no number");
    }
}
