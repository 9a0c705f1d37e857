//! The words the tables keep, the same in both databases.

use cloakroom_core::account::Role;

/// The word a role is stored as.
pub(crate) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Person => "person",
        Role::Administrator => "administrator",
    }
}

/// The role a word stands for.
pub(crate) fn role_from(word: &str) -> Result<Role, ()> {
    match word {
        "person" => Ok(Role::Person),
        "administrator" => Ok(Role::Administrator),
        _ => Err(()),
    }
}
