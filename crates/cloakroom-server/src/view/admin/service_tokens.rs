//! What the pages of service tokens show: templates and their words, no decisions.

use askama::Template;
use cloakroom::{FormToken, Timestamp};
use cloakroom_core::service_token::{Scope, ServiceTokenRecord};
use zeroize::Zeroizing;

use super::ShownTime;
use crate::fields::FieldError;
use crate::filter;
use crate::view::{Complaints, Expires, Words};

/// What a scope opens.
const fn scope_in_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Sessions => "admin-tokens-scope-sessions",
        Scope::Admin => "admin-tokens-scope-admin",
    }
}

/// What was typed into the form that makes one.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    pub(crate) name: String,
    pub(crate) scope: Scope,
}

/// A service token in the table, or about to be removed. Its secret is in none of it: nobody has it here.
#[derive(Debug)]
pub(crate) struct ShownToken {
    name: String,
    scope: String,
    created: ShownTime,
    used: Option<ShownTime>,
    remove: String,
    /// The query of the page that asks whether it is to be removed.
    query: String,
}

impl ShownToken {
    pub(crate) fn new(words: Words<'_>, token: &ServiceTokenRecord, now: Timestamp) -> Self {
        let name = token.name.to_string();
        Self {
            remove: words.with("admin-tokens-remove-one", &[("name", name.clone())]),
            query: filter::query([("name", name.as_str())]),
            name,
            scope: words.say(scope_in_words(token.scope)),
            created: ShownTime::ago(words, token.created_at, now),
            used: token.last_used_at.map(|at| ShownTime::ago(words, at, now)),
        }
    }
}

#[derive(Debug, Template)]
#[template(path = "admin_service_tokens.html")]
pub(crate) struct ServiceTokensPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) notice: Option<String>,
    pub(crate) typed: Typed,
    pub(crate) complaints: Complaints,
    pub(crate) tokens: Vec<ShownToken>,
    pub(crate) is_first: bool,
    /// The query of the next page.
    pub(crate) next: Option<String>,
}

impl ServiceTokensPage<'_> {
    pub(crate) fn complaining(self, errors: &[FieldError]) -> Self {
        Self { complaints: Complaints::new(self.words, errors, &["name", "scope"]), ..self }
    }

    /// Each scope, what it opens, and whether it is chosen.
    fn scopes(&self) -> [(Scope, String, bool); 2] {
        Scope::ALL.map(|scope| (scope, self.words.say(scope_in_words(scope)), scope == self.typed.scope))
    }
}

/// The one page that has a service token in it.
#[derive(Template)]
#[template(path = "admin_service_token_made.html")]
pub(crate) struct MadePage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) name: String,
    pub(crate) scope: Scope,
    pub(crate) token: Zeroizing<String>,
}

impl MadePage<'_> {
    fn scope(&self) -> String {
        self.words.say(scope_in_words(self.scope))
    }
}

#[derive(Debug, Template)]
#[template(path = "admin_service_token_remove.html")]
pub(crate) struct RemovePage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) token: ShownToken,
}
