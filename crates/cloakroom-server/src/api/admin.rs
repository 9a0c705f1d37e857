//! `/api/v1/admin/…`: for administrators who proved their password a moment ago. One file a noun.

pub(crate) mod accounts;
pub(crate) mod sessions;
