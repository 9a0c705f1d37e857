//! The JSON interface: what each route reads and answers. Failures become problems in [`failure`](crate::failure).

pub(crate) mod admin;
pub(crate) mod confirm;
pub(crate) mod ended;
pub(crate) mod login;
pub(crate) mod logout;
mod paging;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod sessions;

/// Whether a path belongs to the interface of programs, which are answered in JSON.
pub(crate) fn is_path_of(path: &str) -> bool {
    path.starts_with("/api/")
}
