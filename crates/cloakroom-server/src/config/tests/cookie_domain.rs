//! A cookie that is shared over a public suffix would go to strangers, or rather nowhere: browsers drop it. Told at the start.

use super::given;

fn load(domain: &str, host: &str) -> Result<(), String> {
    given(&format!("cookie.domain = '{domain}'\npublic_url = 'https://{host}'")).load().map(drop)
}

#[test]
fn a_public_suffix_is_refused_and_what_somebody_owns_is_not() {
    for (domain, is_public) in [
        ("com", true),
        ("co.uk", true),
        ("CO.UK", true),
        ("github.io", true), // of the list's private part: each name below it is another owner's
        ("pages.dev", true),
        ("s3.amazonaws.com", true),
        ("xn--55qx5d.cn", true), // 公司.cn, as it is written in a host name
        ("xn--fiqs8s", true),
        ("anything.ck", true), // by the rule *.ck
        ("www.ck", false),     // by its exception
        ("kobe.jp", false),    // *.kobe.jp: what is below it is public
        ("shop.kobe.jp", true),
        ("city.kobe.jp", false),
        ("example.org", false),
        ("example.co.uk", false),
        ("ada.github.io", false),
        ("deep.below.example.com", false),
        ("corp.internal", false), // no rule: the last label is taken for the suffix
        ("corp.local", false),
        ("intranet", true), // and so is one that is alone
        ("localhost", true),
    ] {
        let host = format!("login.{domain}");
        assert_eq!(load(domain, &host).is_err(), is_public, "{domain}");
        // Nor where the host is the suffix itself: the cookie would not be shared with anybody.
        assert_eq!(load(domain, domain).is_err(), is_public, "{domain}");
    }
}

#[test]
fn the_refusal_says_what_was_found_and_what_to_do() {
    insta::assert_snapshot!(load("co.uk", "login.co.uk").unwrap_err(), @r#"cookie.domain (cloakroom.toml:1): found "co.uk", a public suffix, for which browsers take no cookie, allowed: a domain name of two labels or more that is no public suffix and covers the host of an https public_url, without a leading dot, such as example.org"#);
    insta::assert_snapshot!(load("intranet", "login.intranet").unwrap_err(), @r#"cookie.domain (cloakroom.toml:1): found "intranet", allowed: a domain name of two labels or more that is no public suffix and covers the host of an https public_url, without a leading dot, such as example.org"#);
    // Without a cookie for subdomains, any host will do.
    assert!(given("public_url = 'https://intranet'").load().is_ok());
}
