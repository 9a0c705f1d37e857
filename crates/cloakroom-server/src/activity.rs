//! What a person is told of what happened to their account: words, device and time of each event, newest first.

use std::collections::HashSet;

use cloakroom::Timestamp;
use cloakroom_core::event::{EventKind, EventReason, SecurityEvent};
use cloakroom_core::store::{AccountStore, EventQuery, StoreError};

use crate::device;
use crate::ends::DENIED;
use crate::network::Here;
use crate::view::Words;

/// Most events looked at: enough to know a device that was there before.
const KNOWN_MAX: u32 = 100;
/// Most events shown.
const SHOWN_MAX: usize = 10;

/// One line of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ShownEvent {
    pub(crate) what: String,
    /// Browser, system and address, where they are known.
    pub(crate) from: Option<String>,
    /// A login from a browser and system that no earlier one of those remembered came from.
    pub(crate) is_new_device: bool,
    pub(crate) is_warning: bool,
    pub(crate) at: String,
    pub(crate) when: String,
    pub(crate) date: String,
    pub(crate) id: String,
    /// Whether it may have been somebody else: not what happened in the session that looks, nor what an operator did.
    pub(crate) is_deniable: bool,
}

/// What happened lately.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) shown: Vec<ShownEvent>,
    /// When the person last said that something was not them.
    pub(crate) denied_at: Option<Timestamp>,
}

/// What happened lately to a subject, as whoever looks reads it.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn of(
    accounts: &dyn AccountStore,
    subject: &cloakroom::Subject,
    words: Words<'_>,
    here: &Here,
    now: Timestamp,
) -> Result<Activity, StoreError> {
    let subject = subject.clone();
    let events = accounts.events(EventQuery { subject: Some(subject), before: None, limit: KNOWN_MAX }).await?;
    let denied_at = events.iter().find(|event| is_denial(event)).map(|event| event.at);
    Ok(Activity { shown: shown(&events, words, here, now), denied_at })
}

/// Whether somebody said that something was not them.
fn is_denial(event: &SecurityEvent) -> bool {
    event.kind == EventKind::TokenRevoked && because(event) == Some(DENIED)
}

fn because(event: &SecurityEvent) -> Option<&str> {
    event.reason.as_ref().map(EventReason::as_str)
}

/// The words for an event; `None` for what is shown elsewhere on the page: endings.
fn key(event: &SecurityEvent) -> Option<&'static str> {
    let is_step_up = because(event) == Some("step_up");
    Some(match event.kind {
        EventKind::TokenRevoked if is_denial(event) => "activity-not-me",
        EventKind::LoginSuccess => "activity-login",
        EventKind::LoginFail if is_step_up => "activity-confirm-fail",
        EventKind::LoginFail => "activity-login-fail",
        EventKind::LoginLock => "activity-lock",
        EventKind::PasswordChange => "activity-password",
        EventKind::PasswordChangeFail => "activity-password-fail",
        EventKind::SessionRenewed => "activity-confirm",
        EventKind::UserCreated => "activity-created",
        EventKind::UserUpdated => "activity-updated",
        EventKind::AuthzAdmin
        | EventKind::AuthzFail
        | EventKind::CrossSite
        | EventKind::RateLimit
        | EventKind::ServiceTokenCreated
        | EventKind::ServiceTokenRemoved
        | EventKind::SessionLogout
        | EventKind::SessionsExceeded
        | EventKind::TokenRevoked
        | EventKind::UseAfterEnd
        | EventKind::UserDeleted => return None,
    })
}

/// From events that are newest first.
fn shown(events: &[SecurityEvent], words: Words<'_>, here: &Here, now: Timestamp) -> Vec<ShownEvent> {
    let are_new = are_new_devices(events);
    let shown = events.iter().zip(are_new).filter_map(|(event, is_new_device)| {
        Some(ShownEvent {
            what: words.say(key(event)?),
            from: from(event, words, here),
            is_new_device,
            is_warning: is_new_device || !event.kind.is_success(),
            at: event.at.to_string(),
            when: words.ago(event.at, now),
            date: words.date(event.at),
            id: event.id.to_string(),
            is_deniable: event.session != Some(here.session)
                && !matches!(event.kind, EventKind::UserCreated | EventKind::UserUpdated),
        })
    });
    shown.take(SHOWN_MAX).collect()
}

/// Of each event whether it is a login from a device that none before it came from. Of the first one that is remembered nobody can say.
fn are_new_devices(events: &[SecurityEvent]) -> Vec<bool> {
    let mut known = HashSet::new();
    let mut are_new: Vec<_> = events
        .iter()
        .rev()
        .map(|event| {
            let is_first = known.is_empty();
            event.kind == EventKind::LoginSuccess
                && known.insert(without_version(event.client.user_agent()))
                && !is_first
        })
        .collect();
    are_new.reverse();
    are_new
}

/// A browser that was updated is the same.
fn without_version(user_agent: Option<&str>) -> (Option<String>, Option<String>) {
    let device = device::name(user_agent);
    let name =
        device.browser.map(|browser| browser.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned());
    (name, device.system)
}

fn from(event: &SecurityEvent, words: Words<'_>, here: &Here) -> Option<String> {
    let device = event.client.user_agent().map(|user_agent| words.device(Some(user_agent)));
    let address = event.client.ip().map(|ip| here.in_words(words, ip));
    let known: Vec<_> = device.into_iter().chain(address).collect();
    (!known.is_empty()).then(|| known.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::{Catalogue, Locale};
    use cloakroom::AddressKept;
    use cloakroom_core::event::EventId;
    use cloakroom_core::session::ClientFacts;
    use cloakroom_core::world::PredictableRandom;

    const HERE: &str = "0199b7c2-0000-7000-8000-000000000000";
    const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const NEWER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";

    fn event(kind: EventKind, reason: Option<&str>, user_agent: Option<&str>) -> SecurityEvent {
        let at = Timestamp::from_millis(1_790_000_000_000);
        SecurityEvent {
            id: EventId::new(at, &PredictableRandom::from_seed(1)).unwrap(),
            at,
            kind,
            subject: None,
            session: None,
            reason: reason.map(|word| EventReason::new(word).unwrap()),
            client: ClientFacts::new(user_agent, "192.0.2.7".parse().ok()),
            request: None,
        }
    }

    fn said(events: &[SecurityEvent], locale: Locale) -> Vec<ShownEvent> {
        let catalogue = Catalogue::load().unwrap();
        let session = HERE.parse().unwrap();
        let here = Here { session, address: None, kept: AddressKept::Full };
        shown(events, Words::new(&catalogue, locale), &here, Timestamp::from_millis(1_790_000_000_000))
    }

    #[test]
    fn a_device_is_new_that_no_earlier_login_came_from() {
        let login = |user_agent| event(EventKind::LoginSuccess, None, user_agent);
        let events = [
            login(Some("curl/8")),
            login(Some(NEWER)),
            event(EventKind::LoginFail, None, Some("Wget/1")),
            login(Some(LINUX)),
        ];
        let shown = said(&events, Locale::English);
        assert_eq!(shown.iter().map(|event| event.is_new_device).collect::<Vec<_>>(), [true, false, false, false]);
        assert_eq!(shown.iter().map(|event| event.is_warning).collect::<Vec<_>>(), [true, false, true, false]);
        assert_eq!(shown[1].from.as_deref(), Some("Firefox 141 on Linux from 192.0.2.7"));
        assert_eq!(shown[0].from.as_deref(), Some("curl from 192.0.2.7"));
    }

    #[test]
    fn what_this_session_or_an_operator_did_is_nothing_to_deny() {
        let in_session = |id: &str| SecurityEvent {
            session: Some(id.parse().unwrap()),
            ..event(EventKind::LoginSuccess, None, Some(LINUX))
        };
        let other = HERE.replace("0000", "1111");
        let events = [
            in_session(HERE),
            in_session(&other),
            event(EventKind::LoginFail, None, Some(LINUX)),
            event(EventKind::PasswordChange, None, Some(LINUX)),
            event(EventKind::UserUpdated, None, None),
            event(EventKind::TokenRevoked, Some("others"), None),
        ];
        let shown = said(&events, Locale::English);
        assert_eq!(shown.iter().map(|event| event.is_deniable).collect::<Vec<_>>(), [false, true, true, true, false]);
    }

    #[test]
    fn every_event_that_is_shown_has_words_in_both_languages() {
        for locale in [Locale::English, Locale::Japanese] {
            for kind in EventKind::ALL {
                for reason in [None, Some("step_up"), Some(DENIED)] {
                    let shown = said(&[event(*kind, reason, None)], locale);
                    assert!(shown.iter().all(|event| !event.what.contains("activity-")), "{shown:?}");
                }
            }
        }
        let many = vec![event(EventKind::LoginFail, None, None); 50];
        assert_eq!(said(&many, Locale::English).len(), SHOWN_MAX);
    }
}
