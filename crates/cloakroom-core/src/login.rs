//! Logging in: facts in, decision out. The hashing and the reading stand around it.

use crate::account::Account;
use crate::session::Subject;

/// What is known when a login is decided.
#[derive(Clone, Copy, Debug)]
pub struct LoginFacts<'a> {
    /// The account of the typed login name, if there is one.
    pub account: Option<&'a Account>,
    /// Whether the typed password is that account's. Always computed, also where there is no account,
    /// so that the work says nothing (ASVS 5.0 6.3.8).
    pub password_matches: bool,
    /// Whether the stored hash is weaker than what is wanted today.
    pub hash_is_outdated: bool,
}

/// What becomes of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginDecision {
    /// A session is to be issued.
    Accept {
        /// To whom.
        subject: Subject,
        /// Whether to store the password's hash anew, now that the password is at hand.
        rehash: bool,
    },
    /// No session. All refusals look the same from outside.
    Refuse(LoginRefusal),
}

/// Why a login is refused: for the log, never for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// No account has this login name.
    UnknownName,
    /// The password is not the account's.
    WrongPassword,
    /// The account is disabled (whether or not the password was right).
    Disabled,
}

impl LoginRefusal {
    /// The word the log uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownName => "unknown_name",
            Self::WrongPassword => "wrong_password",
            Self::Disabled => "disabled",
        }
    }
}

/// Decides a login.
pub fn decide(facts: LoginFacts<'_>) -> LoginDecision {
    let Some(account) = facts.account else {
        return LoginDecision::Refuse(LoginRefusal::UnknownName);
    };
    if account.disabled_at.is_some() {
        return LoginDecision::Refuse(LoginRefusal::Disabled);
    }
    if !facts.password_matches {
        return LoginDecision::Refuse(LoginRefusal::WrongPassword);
    }
    LoginDecision::Accept { subject: account.subject.clone(), rehash: facts.hash_is_outdated }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{LoginName, Role};
    use crate::password::PasswordHash;
    use crate::time::Timestamp;

    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn account(disabled: bool) -> Account {
        let now = Timestamp::from_millis(0);
        Account {
            subject: Subject::new("1").unwrap(),
            login_name: LoginName::new("ada").unwrap(),
            password_hash: PasswordHash::parse(HASH).unwrap(),
            role: Role::Person,
            created_at: now,
            password_changed_at: now,
            disabled_at: disabled.then_some(now),
        }
    }

    #[test]
    fn every_combination_of_facts() {
        let (enabled, disabled) = (account(false), account(true));
        for password_matches in [false, true] {
            for hash_is_outdated in [false, true] {
                let with = |account| decide(LoginFacts { account, password_matches, hash_is_outdated });
                assert_eq!(with(None), LoginDecision::Refuse(LoginRefusal::UnknownName));
                assert_eq!(with(Some(&disabled)), LoginDecision::Refuse(LoginRefusal::Disabled));
                let wanted = if password_matches {
                    LoginDecision::Accept { subject: enabled.subject.clone(), rehash: hash_is_outdated }
                } else {
                    LoginDecision::Refuse(LoginRefusal::WrongPassword)
                };
                assert_eq!(with(Some(&enabled)), wanted);
            }
        }
    }
}
