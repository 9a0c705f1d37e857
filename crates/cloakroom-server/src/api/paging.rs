//! Pages of a list of sessions: `cursor` and `limit`, newest first.

use cloakroom::{SessionId, SessionRecord};

use serde_json::json;

use crate::api::session::{example_of_page, page};
use crate::fields::{Complaint, Fields};
use crate::openapi::{Operation, uuid};

/// Sessions on a page, unless the request asks for fewer or more.
const LIMIT_DEFAULT: u32 = 50;
/// Most sessions on a page.
const LIMIT_MAX: u32 = 100;

/// Which page is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// After this one.
    pub(super) before: Option<SessionId>,
    /// At most so many.
    pub(super) limit: u32,
}

impl Page {
    /// Reads `cursor` and `limit`; complains about both.
    pub(super) fn asked(fields: &mut Fields) -> Self {
        Self { before: cursor(fields), limit: limit(fields) }
    }

    /// How many to ask the store for: one more than are shown tells whether there is a next page.
    pub(super) const fn fetched(self) -> u32 {
        self.limit + 1
    }

    /// Cuts what was fetched to the page; returns the cursor of the next one, if there is one.
    pub(super) fn cut(self, fetched: &mut Vec<SessionRecord>) -> Option<String> {
        let has_more = fetched.len() > self.limit as usize;
        fetched.truncate(self.limit as usize);
        fetched.last().filter(|_| has_more).map(|record| record.id.to_string())
    }
}

/// Reads `cursor`; complains about what is no id.
pub(super) fn cursor(fields: &mut Fields) -> Option<SessionId> {
    let before = fields.optional("cursor").map(|text| text.parse::<SessionId>());
    if matches!(before, Some(Err(_))) {
        fields.complain("cursor", Complaint::NotAllowed);
    }
    before.and_then(Result::ok)
}

/// Reads `limit`; complains about what is out of range.
pub(super) fn limit(fields: &mut Fields) -> u32 {
    let limit = fields
        .optional("limit")
        .map_or(Some(LIMIT_DEFAULT), |text| text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)));
    if limit.is_none() {
        fields.complain("limit", Complaint::NotAllowed);
    }
    limit.unwrap_or(LIMIT_DEFAULT)
}

/// An operation that answers pages of sessions.
pub(super) fn paged(operation: Operation) -> Operation {
    let operation = operation.query("cursor?", &uuid("`next_cursor` of the page before"));
    limited(operation).answers(200, "Newest first", &page(), &[("page", example_of_page())])
}

/// An operation that reads `limit`.
pub(super) fn limited(operation: Operation) -> Operation {
    let limit = json!({
        "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT, "description": "At most so many",
    });
    operation.query("limit?", &limit)
}
