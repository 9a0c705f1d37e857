//! What is done once a password is proven: a closed list, and how it is written in the form that asks for the password. An address
//! alone never does anything.

use std::fmt;
use std::str::FromStr;

use cloakroom::{SessionId, Subject, Timestamp};
use cloakroom_core::return_target::ReturnTarget;
use cloakroom_core::service_token::ServiceTokenName;
use cloakroom_core::store::AccountAct;

use crate::administration::Act;
use crate::ends::Ends;
use crate::fields::Fields;
use crate::filter;

const ADMINISTRATE: &str = "administrate?";
const SHOW: &str = "show:";

/// What was asked for before the password was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Ends sessions of one's own.
    Ends(Ends),
    /// Does what administrators do.
    Administrate(Task),
    /// Shows a page of theirs.
    Show(Place),
}

impl From<Ends> for Then {
    fn from(ends: Ends) -> Self {
        Self::Ends(ends)
    }
}

/// A page of administrators, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(ReturnTarget);

impl Place {
    /// Reads an address; `None` for any other.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let path = text.split('?').next()?;
        let is_theirs = path == "/admin" || path.starts_with("/admin/");
        ReturnTarget::parse(text).filter(|_| is_theirs).map(Self)
    }

    /// The address.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Something an administrator does on a page, and which page to show then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) act: Act,
    /// `None`: the page that goes with it.
    pub(crate) back: Option<Place>,
}

/// The text is none of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotOnTheList;

impl FromStr for Then {
    type Err = NotOnTheList;

    fn from_str(text: &str) -> Result<Self, NotOnTheList> {
        if let Some(query) = text.strip_prefix(ADMINISTRATE) {
            return task(query).map(Self::Administrate).ok_or(NotOnTheList);
        }
        if let Some(place) = text.strip_prefix(SHOW) {
            return Place::parse(place).map(Self::Show).ok_or(NotOnTheList);
        }
        text.parse().map(Self::Ends).map_err(|_| NotOnTheList)
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = match self {
            Self::Ends(ends) => return ends.fmt(f),
            Self::Show(place) => return write!(f, "{SHOW}{}", place.as_str()),
            Self::Administrate(task) => task,
        };
        let mut pairs = match &task.act {
            Act::EndOne(id) => vec![("id", id.to_string())],
            Act::EndAllOf(subject) | Act::Change(_, subject) | Act::Unlock(subject) => {
                vec![("subject", subject.to_string())]
            }
            Act::AddServiceToken(name, scope) => vec![("name", name.to_string()), ("scope", scope.to_string())],
            Act::RemoveServiceToken(name) => vec![("name", name.to_string())],
            Act::EndMatching(filter, before) => {
                let before = before.map(|id| ("before", id.to_string()));
                filter::pairs(filter).into_iter().chain(before).collect()
            }
        };
        pairs.extend(task.back.as_ref().map(|place| ("back", place.as_str().to_owned())));
        let word = ("do", task.act.word());
        let pairs = std::iter::once(word).chain(pairs.iter().map(|(field, value)| (*field, value.as_str())));
        write!(f, "{ADMINISTRATE}{}", filter::query(pairs))
    }
}

fn task(query: &str) -> Option<Task> {
    let mut fields = Fields::from_query(Some(query)).ok()?;
    let word = fields.text("do");
    let act = match word.as_str() {
        "end_one" => Act::EndOne(fields.text("id").parse().ok()?),
        "end_all_of" => Act::EndAllOf(subject(&mut fields)?),
        "disable" => Act::Change(AccountAct::Disable, subject(&mut fields)?),
        "enable" => Act::Change(AccountAct::Enable, subject(&mut fields)?),
        "unlock" => Act::Unlock(subject(&mut fields)?),
        "add_service_token" => Act::AddServiceToken(service_token(&mut fields)?, fields.text("scope").parse().ok()?),
        "remove_service_token" => Act::RemoveServiceToken(service_token(&mut fields)?),
        "end_matching" => {
            let before = fields.optional("before").map(|text| text.parse::<SessionId>()).transpose().ok()?;
            // The time is absolute here: no now is needed.
            Act::EndMatching(filter::read(&mut fields, Timestamp::from_millis(0)), before)
        }
        _ => return None,
    };
    let back = match fields.optional("back") {
        Some(text) => Some(Place::parse(&text)?),
        None => None,
    };
    fields.finish().ok().map(|()| Task { act, back })
}

fn subject(fields: &mut Fields) -> Option<Subject> {
    Subject::new(fields.text("subject").as_str()).ok()
}

fn service_token(fields: &mut Fields) -> Option<ServiceTokenName> {
    ServiceTokenName::new(fields.text("name").as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::service_token::Scope;
    use cloakroom_core::store::SessionFilter;

    const ID: &str = "0199b7c2-0000-7000-8000-000000000000";

    #[test]
    fn what_is_written_is_read() {
        let id = || ID.parse().unwrap();
        let ada = || Subject::new("a&b=\"<ä>?").unwrap();
        let filter = SessionFilter {
            network: Some("10.0.0.0/8".parse().unwrap()),
            created_before: Some(Timestamp::from_millis(1_790_000_000_123)),
            browser: Some("fire fox&".parse().unwrap()),
            ..SessionFilter::of(ada())
        };
        for act in [
            Act::EndOne(id()),
            Act::EndAllOf(ada()),
            Act::EndMatching(filter.clone(), None),
            Act::EndMatching(filter, Some(id())),
            Act::EndMatching(SessionFilter::default(), None),
            Act::Change(AccountAct::Disable, ada()),
            Act::Change(AccountAct::Enable, ada()),
            Act::Unlock(ada()),
            Act::AddServiceToken(ServiceTokenName::new("..").unwrap(), Scope::Admin),
            Act::RemoveServiceToken(ServiceTokenName::new("a-b_c").unwrap()),
        ] {
            for back in [None, Place::parse("/admin/sessions?network=10.0.0.0%2F8&before=x")] {
                let then = Then::Administrate(Task { act: act.clone(), back });
                assert_eq!(then.to_string().parse(), Ok(then));
            }
        }
        for then in [Then::Show(Place::parse("/admin?a=b").unwrap()), Ends::Others.into(), Ends::One(id()).into()] {
            assert_eq!(then.to_string().parse(), Ok(then));
        }
    }

    #[test]
    fn nothing_else_is_read() {
        for text in [
            "administrate?",
            "administrate?do=",
            "administrate?do=remove&subject=ada",
            "administrate?do=end_everyone",
            "administrate?do=end_one&id=1",
            "administrate?do=end_all_of",
            "administrate?do=end_all_of&subject=",
            "administrate?do=disable&subject=a&subject=b",
            "administrate?do=disable&subject=a&x=y",
            "administrate?do=end_matching&network=everything",
            "administrate?do=add_service_token&name=a",
            "administrate?do=add_service_token&name=a&scope=all",
            "administrate?do=add_service_token&name=a%20b&scope=sessions",
            "administrate?do=remove_service_token&name=",
            "administrate?do=remove_service_token&name=a&scope=admin",
            "administrate?do=unlock&subject=a&back=https://evil.example/admin",
            "administrate?do=unlock&subject=a&back=/account",
            "administrate?do=unlock&subject=%ff",
            "administrate",
            "show:",
            "show:/account",
            "show:/administrator",
            "show:/admin/../account",
            "show://evil.example/admin",
            "show:/admin\\evil",
            "Show:/admin",
            "/admin",
        ] {
            assert_eq!(text.parse::<Then>(), Err(NotOnTheList), "{text}");
        }
    }
}
