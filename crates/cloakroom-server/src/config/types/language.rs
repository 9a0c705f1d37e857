//! The language of whoever asks for none.

use super::super::show::quoted;
use super::{Raw, Setting};
use crate::locale::Locale;

impl Setting for Locale {
    const TYPE: &'static str = "language";
    fn read(raw: &Raw) -> Option<Self> {
        Self::of_tag(raw.text()?)
    }
    fn show(&self) -> Option<String> {
        Some(quoted(self.tag()))
    }
}
