//! Which sessions somebody asks for, read from a query or a form and written into one. What matches is the core's.

use std::fmt::Write as _;

use cloakroom::{AuthMethod, Subject, Timestamp};
use cloakroom_core::store::SessionFilter;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::span;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError, Fields};

/// Reads `subject`, `network`, `browser`, `auth_method`, `created_before` (RFC 3339) and `older_than` (such as `30d`), of which each may
/// be missing or empty. Complaints name their field.
pub(crate) fn read(fields: &mut Fields, now: Timestamp) -> SessionFilter {
    let older_than = one(fields, "older_than", |text| span::parse(text).map(|span| now.minus(span)));
    let created_before = one(fields, "created_before", |text| {
        text.parse().ok().map(|time: jiff::Timestamp| Timestamp::from_millis(time.as_millisecond()))
    });
    SessionFilter {
        subject: one(fields, "subject", |text| Subject::new(text).ok()),
        network: one(fields, "network", |text| text.trim().parse().ok()),
        created_before: match (created_before, older_than) {
            (Some(before), Some(older)) => Some(before.min(older)),
            (before, older) => before.or(older),
        },
        auth_method: one(fields, "auth_method", |text| AuthMethod::new(text.trim()).ok()),
        browser: one(fields, "browser", |text| text.trim().parse().ok()),
    }
}

fn one<T>(fields: &mut Fields, field: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let sent = fields.optional(field).filter(|sent| !sent.trim().is_empty())?;
    let value = parse(&sent);
    if value.is_none() {
        fields.complain(field, Complaint::NotAllowed);
    }
    value
}

/// Nobody's sessions end because a filter was left out: everybody's are for the command line.
///
/// # Errors
/// `invalid_input` about `field`, where nothing is asked for.
pub(crate) fn require_some(filter: &SessionFilter, field: &str) -> Result<(), Failure> {
    if *filter == SessionFilter::default() {
        return Err(Failure::invalid(vec![FieldError::new(field, Complaint::Missing)]));
    }
    Ok(())
}

/// The fields it is read from, with their values.
pub(crate) fn pairs(filter: &SessionFilter) -> Vec<(&'static str, String)> {
    let SessionFilter { subject, network, created_before, auth_method, browser } = filter;
    let pairs = [
        ("subject", subject.as_ref().map(ToString::to_string)),
        ("network", network.map(|network| network.to_string())),
        ("created_before", created_before.map(|time| time.to_string())),
        ("auth_method", auth_method.as_ref().map(|method| method.as_str().to_owned())),
        ("browser", browser.as_ref().map(ToString::to_string)),
    ];
    pairs.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}

/// A query string.
pub(crate) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (field, value) in pairs {
        let separator = if text.is_empty() { "" } else { "&" };
        // A String takes every write.
        let _ = write!(text, "{separator}{field}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn read_all(query: &str) -> Result<SessionFilter, Vec<String>> {
        let mut fields = Fields::from_query(Some(query)).unwrap();
        let filter = read(&mut fields, NOW);
        let errors: Vec<_> = fields.into_errors().into_iter().map(|error| error.field).collect();
        if errors.is_empty() { Ok(filter) } else { Err(errors) }
    }

    #[test]
    fn what_is_written_is_read() {
        let asked = "subject=a%26b%3D%3C&network=10.0.0.0%2F8&created_before=2026-09-21T14%3A13%3A20.5Z&auth_method=password\
                     &browser=Firefox%2F1";
        let filter = read_all(asked).unwrap();
        let written = pairs(&filter);
        let text = query(written.iter().map(|(field, value)| (*field, value.as_str())));
        assert_eq!(read_all(&text), Ok(filter.clone()), "{text}");
        assert_eq!((filter.subject.unwrap().as_str(), filter.browser.unwrap().as_str()), ("a&b=<", "firefox/1"));
        assert_eq!(read_all("subject=&network=&browser=+&older_than="), Ok(SessionFilter::default()));
    }

    #[test]
    fn the_older_of_two_times_counts() {
        let before = |query: &str| read_all(query).unwrap().created_before;
        assert_eq!(before("older_than=1d"), Some(NOW.minus(std::time::Duration::from_hours(24))));
        assert_eq!(
            before("older_than=1d&created_before=2026-01-01T00:00:00Z").unwrap().to_string(),
            "2026-01-01T00:00:00Z"
        );
    }

    #[test]
    fn complaints_name_their_field() {
        for (query, field) in [
            ("network=10.0.0.1/8", "network"),
            ("network=everywhere", "network"),
            ("older_than=1month", "older_than"),
            ("created_before=yesterday", "created_before"),
            ("auth_method=PASS WORD", "auth_method"),
            ("browser=a%0Ab", "browser"),
            ("subject=a%00", "subject"),
            ("user=ada", "user"),
        ] {
            assert_eq!(read_all(query), Err(vec![field.to_owned()]), "{query}");
        }
    }
}
