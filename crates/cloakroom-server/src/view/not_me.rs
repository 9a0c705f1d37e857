//! What somebody sees who says that something was not them: what that does, and the new password it asks for.

use askama::Template;
use cloakroom::FormToken;

use crate::activity::ShownEvent;
use crate::view::{Expires, Form, Words};

/// Says what it does, and of which event.
#[derive(Debug, Template)]
#[template(path = "not_me.html")]
pub(crate) struct NotMePage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) event: Option<ShownEvent>,
}

/// Instead of the account page, until the password is a new one.
#[derive(Debug, Template)]
#[template(path = "new_password.html")]
pub(crate) struct NewPasswordPage<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) form_token: &'a FormToken,
    pub(crate) expires: Expires,
    pub(crate) name: String,
    /// Since when.
    pub(crate) said: String,
    pub(crate) form: Form,
}
