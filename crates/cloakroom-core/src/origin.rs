//! Whether an unsafe request comes from our own pages: one pure function over what the browser says.
//!
//! The first line against cross-site requests (ASVS 5.0 3.5.1); `SameSite=Lax` on the cookie is the second.

/// What a request says about where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct RequestOrigin<'a> {
    /// Whether its method is unsafe (anything but `GET`, `HEAD`, `OPTIONS`).
    pub is_unsafe: bool,
    /// `Sec-Fetch-Site`, if it was sent.
    pub sec_fetch_site: Option<&'a str>,
    /// `Origin`, if it was sent.
    pub origin: Option<&'a str>,
    /// `Host`, or the authority of the request, if there is one.
    pub host: Option<&'a str>,
    /// The configured public origin, such as `https://app.example`; when it is known, `Host` does not count.
    pub public_origin: Option<&'a str>,
}

/// The request was made by another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request comes from another site")]
pub struct CrossSite;

/// Lets a request through unless a browser says that another site made it.
///
/// Fetch metadata decides where it is sent (every current browser, over https and loopback); else the `Origin` must be
/// ours. A request with neither does not come from a browser and carries no ambient cookie.
///
/// # Errors
/// [`CrossSite`] when it must be refused.
pub fn verify(request: RequestOrigin<'_>) -> Result<(), CrossSite> {
    if !request.is_unsafe {
        return Ok(());
    }
    match request.sec_fetch_site {
        Some("same-origin" | "none") => return Ok(()),
        None | Some("") => {}
        Some(_) => return Err(CrossSite),
    }
    let Some(origin) = request.origin.filter(|origin| !origin.is_empty()) else {
        return Ok(());
    };
    let ours = request.public_origin.map_or_else(
        || {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some_and(|authority| !authority.is_empty() && Some(authority) == request.host)
        },
        |public| public == origin,
    );
    if ours { Ok(()) } else { Err(CrossSite) }
}

/// Whether a browser sends a body of this type to another origin without asking first (Fetch, "CORS-safelisted request-header"):
/// JSON is not among them, so an interface that takes nothing else cannot be reached by a plain form (ASVS 5.0 3.5.2).
///
/// ```
/// use cloakroom_core::origin::is_sent_unasked;
///
/// assert!(is_sent_unasked("text/plain;charset=UTF-8"));
/// assert!(!is_sent_unasked("application/json"));
/// ```
pub fn is_sent_unasked(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
        .iter()
        .any(|unasked| essence.eq_ignore_ascii_case(unasked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post<'a>(site: Option<&'a str>, origin: Option<&'a str>, public: Option<&'a str>) -> RequestOrigin<'a> {
        RequestOrigin {
            is_unsafe: true,
            sec_fetch_site: site,
            origin,
            host: Some("app.example"),
            public_origin: public,
        }
    }

    #[test]
    fn the_matrix() {
        let public = Some("https://app.example");
        for (request, allowed) in [
            (post(Some("same-origin"), None, None), true),
            (post(Some("none"), None, None), true),
            (post(Some("cross-site"), None, None), false),
            (post(Some("same-site"), None, None), false),
            (post(Some("nonsense"), None, None), false),
            (post(None, None, None), true),
            (post(None, Some("https://app.example"), None), true),
            (post(None, Some("https://evil.example"), None), false),
            (post(None, Some("https://app.example.evil.example"), None), false),
            (post(None, Some("null"), None), false),
            (post(None, Some("https://app.example"), public), true),
            (post(None, Some("http://app.example"), public), false),
            (post(Some(""), Some("https://evil.example"), public), false),
            // The table of Go's CrossOriginProtection, where we agree with it.
            (post(Some("same-origin"), Some("https://evil.example"), None), true),
            (post(Some("cross-site"), Some("https://app.example"), public), false),
            (post(Some("same-site"), Some("https://app.example"), public), false),
            (post(None, Some(""), public), true),
            (post(Some(""), None, public), true),
            // What only looks like a value of the header.
            (post(Some("SAME-ORIGIN"), None, None), false),
            (post(Some("same-origin "), None, None), false),
            (post(Some("same-origin, cross-site"), None, None), false),
            // Another port, another scheme, a path, a name in another case, a name inside of another.
            (post(None, Some("https://app.example:8443"), None), false),
            (post(None, Some("https://app.example:443"), public), false),
            (post(None, Some("https://app.example/"), public), false),
            (post(None, Some("https://APP.example"), public), false),
            (post(None, Some("https://evil.example/app.example"), None), false),
            (post(None, Some("https://evil.example#app.example"), None), false),
            (post(None, Some("https://evil.example?app.example"), None), false),
            (post(None, Some("https://app.example@evil.example"), None), false),
            (post(None, Some("https://evil-app.example"), None), false),
            (post(None, Some("app.example"), None), false),
            (post(None, Some("null"), public), false),
            (post(Some("none"), Some("null"), public), true),
            (post(None, Some("http://app.example"), None), true), // the scheme is not known
            (post(None, Some("file://"), public), false),
            (post(None, Some("chrome-extension://abcdef"), public), false),
            (RequestOrigin { host: None, ..post(None, Some("https://app.example"), None) }, false),
            (RequestOrigin { host: Some(""), ..post(None, Some("https://"), None) }, false),
            (RequestOrigin { host: Some("evil.example"), ..post(None, Some("https://evil.example"), public) }, false),
            (RequestOrigin { is_unsafe: false, ..post(Some("cross-site"), Some("null"), None) }, true),
        ] {
            assert_eq!(verify(request).is_ok(), allowed, "{request:?}");
        }
    }
}
