//! Complaints name their fields; bodies are bounded and typed.

use super::*;

fn json(body: impl Into<Body>) -> Request<Body> {
    Request::post("/").header(CONTENT_TYPE, "application/json; charset=utf-8").body(body.into()).unwrap()
}

async fn complaints(body: &str) -> Vec<(String, Complaint)> {
    let errors = match Fields::from_json(json(body.to_owned())).await {
        Ok(mut fields) => {
            fields.login_name("login_name");
            fields.password("password");
            fields.checkbox("keep");
            fields.into_errors()
        }
        Err(failure) => failure.errors().to_vec(),
    };
    errors.into_iter().map(|error| (error.field, error.complaint)).collect()
}

#[tokio::test]
async fn every_complaint_names_its_field() {
    let is = |field: &str, complaint| vec![(field.to_owned(), complaint)];
    for (body, wanted) in [
        (r#"{"login_name":"ada","password":"x"}"#, vec![]),
        (r#"{"login_name":"ada","password":"x","keep":true}"#, vec![]),
        (r#"{"password":"x"}"#, is("login_name", Complaint::Missing)),
        (r#"{"login_name":"","password":"x"}"#, is("login_name", Complaint::Missing)),
        (r#"{"login_name":7,"password":"x"}"#, is("login_name", Complaint::WrongType)),
        (r#"{"login_name":"a","login_name":"b","password":"x"}"#, is("login_name", Complaint::Doubled)),
        (r#"{"login_name":"a","password":"x","admin":[1,{"a":2}]}"#, is("admin", Complaint::Unknown)),
        (r#"{"login_name":"a","password":"x","keep":"perhaps"}"#, is("keep", Complaint::NotAllowed)),
        ("{\"login_name\":\"a\u{202e}\",\"password\":\"x\"}", is("login_name", Complaint::Invisible)),
        ("[]", is("body", Complaint::Unreadable)),
        ("{\"login_name\"", is("body", Complaint::Unreadable)),
        ("", is("body", Complaint::Unreadable)),
    ] {
        assert_eq!(complaints(body).await, wanted, "{body}");
    }
    let long = format!(r#"{{"login_name":"{}","password":"x"}}"#, "x".repeat(10_000));
    assert_eq!(complaints(&long).await, is("login_name", Complaint::TooLong));
}

#[tokio::test]
async fn bodies_are_bounded_and_typed() {
    let code = |result: Result<Fields, Failure>| result.err().map(|failure| failure.code());
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(BODY_BYTES_MAX));
    assert_eq!(code(Fields::from_json(json(large)).await), Some(Code::TooLarge));
    let untyped = Request::post("/").body(Body::from("{}")).unwrap();
    assert_eq!(code(Fields::from_json(untyped).await), Some(Code::UnsupportedMediaType));
    assert_eq!(code(Fields::from_form(json("{}")).await), Some(Code::UnsupportedMediaType));
    assert_eq!(code(Fields::from_json(json(vec![0xff])).await), Some(Code::InvalidInput));
    assert_eq!(code(Fields::from_query(Some("a=%ff"))), Some(Code::InvalidInput));
}
