//! The JSON interface: what each route reads and answers. Failures become problems in [`failure`](crate::failure).

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod session;
pub(crate) mod sessions;
