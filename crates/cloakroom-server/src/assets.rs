//! The style sheet, the script and the pictures, built in, under names that change with their content.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use cloakroom::Code;

use crate::failure::Failure;

struct Asset {
    name: &'static str,
    ending: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const STYLE: Asset = Asset {
    name: "cloakroom",
    ending: "css",
    content_type: "text/css; charset=utf-8",
    text: include_str!("../assets/cloakroom.css"),
};
const SCRIPT: Asset = Asset {
    name: "cloakroom",
    ending: "js",
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("../assets/cloakroom.js"),
};
const TAG: Asset =
    Asset { name: "tag", ending: "svg", content_type: "image/svg+xml", text: include_str!("../assets/tag.svg") };

impl Asset {
    fn file_name(&self) -> String {
        format!("{}-{:016x}.{}", self.name, fingerprint(self.text.as_bytes()), self.ending)
    }
}

/// FNV-1a: names a version for caches, nothing more.
const fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// The address of the style sheet.
pub(crate) fn style() -> String {
    format!("/assets/{}", STYLE.file_name())
}

/// The address of the script of pages that belong to a session.
pub(crate) fn script() -> String {
    format!("/assets/{}", SCRIPT.file_name())
}

/// The address of the picture in the header and the browser's tab.
pub(crate) fn tag() -> String {
    format!("/assets/{}", TAG.file_name())
}

/// `GET /assets/{name}`
pub(crate) async fn get(Path(name): Path<String>) -> Result<Response, Failure> {
    let asset = [&STYLE, &SCRIPT, &TAG].into_iter().find(|asset| asset.file_name() == name);
    let asset = asset.ok_or(Failure::of(Code::NotFound))?;
    let headers = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.text).into_response())
}
