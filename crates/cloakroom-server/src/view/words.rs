//! The catalogue in one language, as pages and problems speak it: what a value becomes, no markup.

use cloakroom::{Code, EndReason, Past, Timestamp};
use cloakroom_core::password::PasswordRefusal;

use crate::absolute_time;
use crate::assets;
use crate::device;
use crate::fields::Complaint;
use crate::locale::{Catalogue, Locale};
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

    pub(crate) fn why(&self, reason: EndReason) -> String {
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
            Complaint::Taken => "complaint-taken",
            Complaint::Full => "complaint-full",
            Complaint::Password(refusal) => return self.of_refusal(*refusal),
        };
        self.say(key)
    }

    pub(crate) fn of_refusal(&self, refusal: PasswordRefusal) -> String {
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
