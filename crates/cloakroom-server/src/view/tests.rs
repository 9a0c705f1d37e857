//! Pages and their words, in both languages.

use super::*;
use crate::fields::Complaint;
use crate::locale::{Catalogue, Locale};

#[test]
fn what_people_typed_is_escaped() {
    let catalogue = Catalogue::load().unwrap();
    let words = Words::new(&catalogue, Locale::English);
    let evil = "\"><script>alert(1)</script>";
    let errors = [FieldError::new(evil, Complaint::Unknown)];
    let form = Form::new(words, evil, &errors, &["login_name"]);
    let page = LoginPage { words, form, keep: true, return_to: Some(evil.to_owned()), notice: None, message: None };
    let html = page.render().unwrap();
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("checked"));
}

#[test]
fn pages_have_neither_scripts_nor_inline_styles_and_every_input_has_a_label() {
    let catalogue = Catalogue::load().unwrap();
    let words = Words::new(&catalogue, Locale::Japanese);
    let form = || Form::new(words, "", &[FieldError::new("password", Complaint::Missing)], &["password"]);
    let pages = [
        LoginPage { words, form: form(), keep: false, return_to: None, notice: None, message: None }.render(),
        SetupPage { words, here: String::new(), form: form() }.render(),
    ];
    for html in pages.map(Result::unwrap) {
        assert!(!html.contains("<script") && !html.contains("style=") && html.contains(r#"lang="ja""#));
        for input in html.split("<input ").skip(1).filter(|input| !input.contains(r#"type="hidden""#)) {
            let id = input.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
            assert!(html.contains(&format!("<label for=\"{id}\"")), "{id} has no label");
        }
        assert!(html.contains(r#"aria-invalid="true""#));
    }
}

#[test]
fn numbers_follow_plural_rules() {
    let catalogue = Catalogue::load().unwrap();
    let now = Timestamp::from_millis(1_790_000_000_000);
    let ago = |seconds| {
        let then = now.minus(std::time::Duration::from_secs(seconds));
        Words::new(&catalogue, Locale::English).ago(then, now)
    };
    assert_eq!((ago(60).as_str(), ago(120).as_str()), ("one minute ago", "2 minutes ago"));
    let words = Words::new(&catalogue, Locale::English);
    assert_eq!(AccountPage::signed_in_as(words, "007"), "Signed in as 007", "a name is no number");
}
