//! What a person is told of what happened to their account: words, device and time of each event, newest first.

use std::collections::HashSet;

use cloakroom::Timestamp;
use cloakroom_core::event::{EventKind, SecurityEvent};
use cloakroom_core::store::{AccountStore, EventQuery, StoreError};

use crate::device;
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
}

/// What happened lately to a subject.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn of(
    accounts: &dyn AccountStore,
    subject: &cloakroom::Subject,
    words: Words<'_>,
    now: Timestamp,
) -> Result<Vec<ShownEvent>, StoreError> {
    let query = EventQuery { subject: Some(subject.clone()), before: None, limit: KNOWN_MAX };
    Ok(shown(&accounts.events(query).await?, words, now))
}

/// The words for an event; `None` for what is shown elsewhere on the page: endings.
const fn key(kind: EventKind, is_step_up: bool) -> Option<&'static str> {
    Some(match kind {
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
fn shown(events: &[SecurityEvent], words: Words<'_>, now: Timestamp) -> Vec<ShownEvent> {
    let are_new = are_new_devices(events);
    let shown = events.iter().zip(are_new).filter_map(|(event, is_new_device)| {
        let is_step_up = event.reason.as_ref().is_some_and(|reason| reason.as_str() == "step_up");
        Some(ShownEvent {
            what: words.say(key(event.kind, is_step_up)?),
            from: from(event, words),
            is_new_device,
            is_warning: is_new_device || !event.kind.is_success(),
            at: event.at.to_string(),
            when: words.ago(event.at, now),
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

fn from(event: &SecurityEvent, words: Words<'_>) -> Option<String> {
    let device = event.client.user_agent().map(|user_agent| words.device(Some(user_agent)));
    let address = event.client.ip().map(|ip| words.with("account-from", &[("ip", ip.to_string())]));
    let known: Vec<_> = device.into_iter().chain(address).collect();
    (!known.is_empty()).then(|| known.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::{Catalogue, Locale};
    use cloakroom_core::event::{EventId, EventReason};
    use cloakroom_core::session::ClientFacts;
    use cloakroom_core::world::PredictableRandom;

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
        shown(events, Words::new(&catalogue, locale), Timestamp::from_millis(1_790_000_000_000))
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
    fn every_event_that_is_shown_has_words_in_both_languages() {
        for locale in [Locale::English, Locale::Japanese] {
            for kind in EventKind::ALL {
                for reason in [None, Some("step_up")] {
                    let shown = said(&[event(*kind, reason, None)], locale);
                    assert!(shown.iter().all(|event| !event.what.contains("activity-")), "{shown:?}");
                }
            }
        }
        let many = vec![event(EventKind::LoginFail, None, None); 50];
        assert_eq!(said(&many, Locale::English).len(), SHOWN_MAX);
    }
}
