//! Nothing to steal at rest: the database, its WAL, the log and every response but one cookie hold neither token nor password.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

#[test]
fn neither_token_nor_password_is_anywhere() {
    let place = Place::new().with("LOG__FILTER", "trace").with_account("ada");
    let server = place.serve();
    let mut client = server.client();
    let mut answers = vec![
        client.log_in("ada", OTHER_PASSWORD),
        client.form("/login", &[("login_name", "ada"), ("password", OTHER_PASSWORD)]),
        client.log_in("ada", PASSWORD),
    ];
    let (token, form_token) = (client.token().to_owned(), client.form_token());
    for path in ["/api/v1/session", "/api/v1/sessions", "/account", "/login", "/", "/nowhere", "/readyz"] {
        answers.push(client.get(path));
    }
    answers.push(client.submit("/account/password", &[("current_password", PASSWORD), ("new_password", PASSWORD)]));
    answers.push(client.json("/api/v1/login", format!(r#"{{"password":"{PASSWORD}","nonsense":1}}"#).as_bytes()));
    answers.push(client.submit_from(&client.clone().get("/confirm"), "/confirm", &[("password", OTHER_PASSWORD)]));
    answers.push(client.json("/api/v1/confirm", format!(r#"{{"password":"{OTHER_PASSWORD}"}}"#).as_bytes()));
    let raw = URL_SAFE_NO_PAD.decode(token.trim_start_matches("ck1_")).unwrap();
    let needles = [token.as_bytes(), &token.as_bytes()[4..], &raw, PASSWORD.as_bytes(), OTHER_PASSWORD.as_bytes()];
    let holds = |hay: &[u8]| needles.iter().position(|needle| hay.windows(needle.len()).any(|part| part == *needle));

    let handed_over = answers.iter().flat_map(|answer| answer.set_cookies()).filter(|c| c.contains(&token)).count();
    assert_eq!(handed_over, 1);
    for answer in &answers {
        let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "set-cookie").collect();
        assert_eq!(holds(format!("{headers:?}{}", answer.body).as_bytes()), None, "{answer:?}");
    }
    assert_eq!(place.rows(), 1);
    let mut files = 0;
    for entry in std::fs::read_dir(place.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(holds(&bytes), None, "{}", path.display());
        assert!(!bytes.windows(43).any(|part| part == form_token.as_bytes()), "{}: a form token", path.display());
        files += 1;
    }
    assert!(files >= 3, "database, WAL and log at least");
    let log = server.log();
    assert!(
        log.contains("route=\"/api/v1/session\"") || log.contains("route=/api/v1/session"),
        "requests are logged by route"
    );
    assert!(!log.contains("nowhere"), "a request's own path is in the log");
}
