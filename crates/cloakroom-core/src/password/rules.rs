//! The rules for a new password. No rule about kinds of characters, and none that makes people change a good one
//! (NIST SP 800-63B-4 3.1.1.2, ASVS 5.0 6.2.5 and 6.2.10).

use super::context::{ContextKind, ContextWords};
use super::fold::folded;
use super::{PASSWORD_CHARS_MIN, Password, PasswordRefusal, TYPED_BYTES_MAX, blocklist, guessable};
use crate::account::LoginName;

/// What a new password has to keep to.
///
/// Checking takes a few milliseconds, in the worst case some hundred: do it where passwords are hashed, not on a thread that
/// serves requests.
///
/// ```
/// use cloakroom_core::account::LoginName;
/// use cloakroom_core::password::PasswordRules;
///
/// let rules = PasswordRules::new(["Example Shop".to_owned(), "shop.example.org".to_owned()]);
/// let ada = LoginName::new("ada@example.org")?;
/// assert!(rules.check("violet tractor hums at noon", &ada).is_ok());
/// assert_eq!(rules.check("correct horse battery staple", &ada).unwrap_err().code(), "common");
/// assert_eq!(rules.check("Example-Shop 2024", &ada).unwrap_err().code(), "context");
/// # Ok::<(), cloakroom_core::account::NotALoginName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    service: ContextWords,
}

impl PasswordRules {
    /// Rules with these context words: the service's name, its host, the organisation's name.
    ///
    /// Each text counts as a whole (from 3 characters) and in its parts (from 4). At most 32 words are kept.
    pub fn new(context: impl IntoIterator<Item = String>) -> Self {
        Self { service: ContextWords::of_service(context) }
    }

    /// Whether `typed` may become the password of the account of `login_name`.
    ///
    /// # Errors
    /// The first rule it breaks: bounds, then control characters, the list of common passwords, context words, guessability.
    pub fn check(&self, typed: &str, login_name: &LoginName) -> Result<Password, PasswordRefusal> {
        if typed.len() <= TYPED_BYTES_MAX && typed.chars().any(char::is_control) {
            return Err(PasswordRefusal::Control);
        }
        let password = Password::new(typed)?;
        let found = password.reveal().chars().count();
        if found < PASSWORD_CHARS_MIN {
            return Err(PasswordRefusal::too_short(found));
        }
        let folded = folded(password.reveal());
        if blocklist::is_common(&folded) {
            return Err(PasswordRefusal::Common);
        }
        let person = ContextWords::of_login_name(login_name);
        for (words, kind) in [(&person, ContextKind::LoginName), (&self.service, ContextKind::Service)] {
            if words.make_up(&folded) {
                return Err(PasswordRefusal::Context { kind });
            }
        }
        let context: Vec<&str> = person.iter().chain(self.service.iter()).collect();
        match guessable::pattern(password.reveal(), &context) {
            Some(pattern) => Err(PasswordRefusal::Guessable { pattern }),
            None => Ok(password),
        }
    }
}

impl Default for PasswordRules {
    /// The one context word is "cloakroom".
    fn default() -> Self {
        Self::new(["cloakroom".to_owned()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Pattern;
    use proptest::prelude::*;

    fn code(typed: &str) -> &'static str {
        let rules = PasswordRules::new(["Cloakroom", "login.example.org"].map(str::to_owned));
        let name = LoginName::new("ada.lovelace@mill.example").unwrap();
        rules.check(typed, &name).map_or_else(|refusal| refusal.code(), |_| "accepted")
    }

    #[test]
    fn good_passwords_of_every_kind_are_accepted() {
        for typed in [
            "violet tractor hums at noon",
            "violettractorhumsatnoon",
            "猫が窓辺で雨の音を静かに聞いている",
            "あしたはきっと晴れるでしょうか",
            "кошка слушает дождь у окна",
            "القطة تستمع إلى المطر",
            "🐙🦀🐳🐬🦑🐠🐡🦐🦞🐚🐌🦋🐛🐜🐝",
            "👩‍🚀 writes to 👨‍🌾 daily",
            "kf8Hq2mZ7pXw4Lt",
            "!?%&/()=#*+~<>|;",
            "  leading and trailing  ",
            "cloakroom violet tractor hums", // a context word, and enough besides
            "ada.lovelace eats plums at dusk",
            "canada adapts shared pajamas",
            "my password is violet tractor", // a common word inside is no reason
        ] {
            assert_eq!(code(typed), "accepted", "{typed}");
        }
    }

    #[test]
    fn bad_passwords_are_refused_with_the_reason() {
        for (typed, wanted) in [
            ("", "too_short"),
            ("Correct Horse, Battery Staple!", "common"),
            ("1qaz2wsx3edc4rfv5tgb", "common"),
            ("吾輩は猫である。名前はまだ無い。", "common"),
            ("いろはにほへと ちりぬるを わかよたれそ", "common"),
            ("cloakroomcloakroom", "context"),
            ("Cloak-Room 2024!!", "context"),
            ("ada.lovelace@mill.example", "context"),
            ("Lovelace_Lovelace", "context"),
            ("ｅｘａｍｐｌｅ-ｃｌｏａｋｒｏｏｍ", "context"),
            ("moorkaolcmoorkaolc", "guessable"), // reversed
            ("cl0akr00mcl0akr00m", "guessable"),
            ("aaaaaaaaaaaaaaaa", "common"),
            ("abcabcabcabcabc", "guessable"),
            ("passwordpassword1", "guessable"),
            ("               a", "guessable"),
            ("2024-01-012024-01-01", "guessable"),
            ("violet tractor\thums", "control"),
            ("violet tractor hums\n", "control"),
            ("violet tractor\0hums", "control"),
            ("violet tractor\u{85}hums", "control"),
        ] {
            assert_eq!(code(typed), wanted, "{typed}");
        }
    }

    #[test]
    fn the_length_counts_code_points_after_nfc() {
        let text: String = "violet tractör hums".chars().cycle().take(256).collect();
        let cut = |n: usize| text.chars().take(n).collect::<String>();
        let rules = PasswordRules::default();
        let name = LoginName::new("ada").unwrap();
        let why = |typed: &str| rules.check(typed, &name).err();
        assert_eq!(why(&cut(14)), Some(PasswordRefusal::TooShort { found: 14, min: 15 }));
        assert_eq!(why(&cut(15)), None);
        assert_eq!(why("violet tracto\u{308}r"), Some(PasswordRefusal::TooShort { found: 14, min: 15 })); // typed as 15
        assert_eq!(why(&cut(64)), None); // ASVS 5.0 6.2.9
        assert_eq!(why(&cut(256)), None);
        assert_eq!(why(&format!("{}x", cut(256))), Some(PasswordRefusal::TooLong { max: 256 }));
        assert_eq!(why(&"\n".repeat(10_000_000)), Some(PasswordRefusal::TooLong { max: 256 }));
    }

    #[test]
    fn refusals_say_why_and_never_repeat_the_password() {
        let refusal = PasswordRefusal::Guessable { pattern: Pattern::Keyboard };
        assert!(refusal.to_string().contains("keys that lie side by side"));
        let context = PasswordRefusal::Context { kind: ContextKind::LoginName };
        for refusal in
            [PasswordRefusal::too_short(3), PasswordRefusal::Control, PasswordRefusal::Common, refusal, context]
        {
            assert!(PasswordRefusal::CODES.contains(&refusal.code()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_refused_or_kept_in_nfc(typed in any::<String>(), name in "\\PC{1,30}") {
            if let (Ok(name), rules) = (LoginName::new(&name), PasswordRules::default())
                && let Ok(password) = rules.check(&typed, &name)
            {
                let tried = Password::new(&typed).unwrap();
                prop_assert_eq!(tried.reveal(), password.reveal());
                prop_assert!((15..=256).contains(&password.reveal().chars().count()));
            }
        }
    }
}
