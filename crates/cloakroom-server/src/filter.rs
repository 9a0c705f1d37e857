//! Which sessions somebody asks for, read from a query or a form and written into one. What matches is the core's.

use std::fmt::Write as _;

use cloakroom::{AuthMethod, Subject, Timestamp};
use cloakroom_core::store::{PIECE_BYTES_MAX, SessionFilter};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::api::session::auth_method;
use crate::config::span;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError, Fields};
use crate::openapi::{Operation, date_time, subject, text};

/// Who wrote it.
#[derive(Clone, Copy)]
enum Written {
    /// A program means what it sends: a filter that came out empty must not end everybody's sessions but those it was for.
    ByProgram,
    /// People leave fields of a form empty.
    ByHand,
}

impl Written {
    /// What was said by it, if anything.
    fn said<'a>(self, field: &str, sent: &'a str) -> Option<&'a str> {
        match self {
            Self::ByProgram => Some(sent),
            Self::ByHand if sent.trim().is_empty() => None,
            // Any text may be a subject; it comes out of a link and out of nobody's fingers.
            Self::ByHand if field == "subject" => Some(sent),
            Self::ByHand => Some(sent.trim()),
        }
    }
}

/// Reads `subject`, `network`, `browser`, `auth_method`, `created_before` (RFC 3339) and `older_than` (such as `30d`), of which each may
/// be missing. Complaints name their field, one that is there and empty too.
pub(crate) fn read(fields: &mut Fields, now: Timestamp) -> SessionFilter {
    read_as(Written::ByProgram, fields, now)
}

/// The same as people typed it: what is blank is left out, and space around the rest does not matter.
pub(crate) fn typed(fields: &mut Fields, now: Timestamp) -> SessionFilter {
    read_as(Written::ByHand, fields, now)
}

fn read_as(written: Written, fields: &mut Fields, now: Timestamp) -> SessionFilter {
    let older_than = one(written, fields, "older_than", |text| span::parse(text).map(|span| now.minus(span)));
    let created_before = one(written, fields, "created_before", |text| {
        text.parse().ok().map(|time: jiff::Timestamp| Timestamp::from_millis(time.as_millisecond()))
    });
    SessionFilter {
        subject: one(written, fields, "subject", |text| Subject::new(text).ok()),
        network: one(written, fields, "network", |text| text.parse().ok()),
        created_before: match (created_before, older_than) {
            (Some(before), Some(older)) => Some(before.min(older)),
            (before, older) => before.or(older),
        },
        auth_method: one(written, fields, "auth_method", |text| AuthMethod::new(text).ok()),
        browser: one(written, fields, "browser", |text| text.parse().ok()),
    }
}

fn one<T>(written: Written, fields: &mut Fields, field: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let sent = fields.optional(field)?;
    let value = parse(written.said(field, &sent)?);
    if value.is_none() {
        fields.complain(field, Complaint::NotAllowed);
    }
    value
}

/// An operation that reads it.
pub(crate) fn described(operation: Operation) -> Operation {
    let network = json!({
        "type": "string", "format": "network",
        "description": "Whose login came from there: an address, or the first one of a network and its length, such as `10.0.0.0/8`",
    });
    let mut browser =
        text(1, PIECE_BYTES_MAX, "Whose user agent has this piece, upper case or lower; at most 64 bytes in UTF-8");
    browser["pattern"] = json!("^[^\\u0000-\\u001f\\u007f-\\u009f]+$");
    let older_than = json!({
        "type": "string", "minLength": 2, "pattern": "^([0-9]{1,4}w)?([0-9]{1,4}d)?([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,4}s)?([0-9]{1,4}ms)?$",
        "description": "Issued longer ago than this, such as `30d` or `1h30m`",
    });
    operation
        .query("subject?", &subject())
        .query("network?", &network)
        .query("browser?", &browser)
        .query("auth_method?", &auth_method("Whose subject proved who it is like this"))
        .query(
            "created_before?",
            &date_time("Issued before this time; the earlier one, where `older_than` says one too"),
        )
        .query("older_than?", &older_than)
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
        finished(fields, filter)
    }

    fn typed_all(query: &str) -> Result<SessionFilter, Vec<String>> {
        let mut fields = Fields::from_query(Some(query)).unwrap();
        let filter = typed(&mut fields, NOW);
        finished(fields, filter)
    }

    fn finished(fields: Fields, filter: SessionFilter) -> Result<SessionFilter, Vec<String>> {
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
    }

    #[test]
    fn what_people_leave_blank_is_left_out_and_what_programs_send_is_meant() {
        let blank = "subject=+&network=&browser=+&older_than=&auth_method=&created_before=";
        assert_eq!(typed_all(blank), Ok(SessionFilter::default()));
        for field in ["subject", "network", "browser", "auth_method", "created_before", "older_than"] {
            assert_eq!(read_all(&format!("{field}=")), Err(vec![field.to_owned()]));
            assert_eq!(typed_all(&format!("{field}=")), Ok(SessionFilter::default()));
        }
        let (spaced, exact) =
            ("network=+10.0.0.0%2F8+&auth_method=+passkey", "network=10.0.0.0%2F8&auth_method=passkey");
        assert_eq!(typed_all(spaced), read_all(exact));
        assert_eq!(read_all(spaced), Err(vec!["network".to_owned(), "auth_method".to_owned()]));
        let subject = |filter: Result<SessionFilter, _>| filter.unwrap().subject.unwrap().to_string();
        assert_eq!(
            (subject(typed_all("subject=+a+")), subject(read_all("subject=+a+"))),
            (" a ".to_owned(), " a ".to_owned())
        );
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
