//! In place of `watch` where the system has no such thing: the path is looked up each time.

use std::path::Path;

#[derive(Debug)]
pub(crate) enum Watch {}

impl Watch {
    pub(crate) fn over(_: &Path) -> Option<Self> {
        None
    }

    pub(crate) fn is_silent(&self) -> bool {
        match *self {}
    }
}
