//! Placeholder until the password module lands.

/// A password hash.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}
impl PasswordHash {
    /// Reads.
    ///
    /// # Errors
    /// When not a hash.
    pub fn parse(text: &str) -> Result<Self, ()> {
        Ok(Self(text.into()))
    }
    /// Text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
