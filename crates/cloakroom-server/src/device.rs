//! Naming a device after its `User-Agent`. A hint for people, never a proof.

/// What a device is, for its icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Desktop,
    Phone,
    Tool,
    Unknown,
}

/// Browser and system by name; `None` where the `User-Agent` does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) browser: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) kind: Kind,
}

/// Programs that are no browsers, by how their `User-Agent` begins.
const TOOLS: [(&str, &str); 5] = [
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "Python"),
    ("Go-http-client/", "Go"),
    ("HTTPie/", "HTTPie"),
];

/// Names the device of a `User-Agent`, which is at most 256 bytes long by now.
pub(crate) fn name(user_agent: Option<&str>) -> Device {
    let unknown = Device { browser: None, system: None, kind: Kind::Unknown };
    let Some(user_agent) = user_agent else { return unknown };
    if let Some((_, tool)) = TOOLS.iter().find(|(start, _)| user_agent.starts_with(start)) {
        return Device { browser: Some((*tool).to_owned()), system: None, kind: Kind::Tool };
    }
    let Some(found) = woothee::parser::Parser::new().parse(user_agent) else { return unknown };
    let known = |text: &str| (!text.is_empty() && text != "UNKNOWN").then(|| text.to_owned());
    let major = found.version.split('.').next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let browser = known(found.name).map(|name| match major {
        Some(major) if !major.is_empty() => format!("{name} {major}"),
        _ => name,
    });
    let system = known(found.os).map(|system| match system.as_str() {
        "Mac OSX" => "macOS".to_owned(),
        windows if windows.starts_with("Windows") => "Windows".to_owned(),
        _ => system,
    });
    let kind = match (found.category, &browser) {
        ("smartphone" | "mobilephone", _) => Kind::Phone,
        ("pc", _) => Kind::Desktop,
        (_, Some(_)) => Kind::Tool,
        (_, None) => Kind::Unknown,
    };
    Device { browser, system, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_systems_by_name() {
        for (user_agent, wanted) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 on Linux, Desktop"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
                "Chrome 138 on Windows, Desktop",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari 18 on macOS, Desktop",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari 18 on iPhone, Phone",
            ),
            ("curl/8.5.0", "curl on ?, Tool"),
            ("<script>alert(1)</script>", "? on ?, Unknown"),
            ("", "? on ?, Unknown"),
        ] {
            let Device { browser, system, kind } = name(Some(user_agent));
            let or = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
            assert_eq!(format!("{} on {}, {kind:?}", or(browser), or(system)), wanted, "{user_agent}");
        }
        assert_eq!(name(None).kind, Kind::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn no_user_agent_makes_it_panic(text in "\\PC{0,256}") {
            let _ = name(Some(&text));
        }
    }
}
