//! Errors of libraries in both languages.

use cloakroom_core::password::PasswordRefusal;

use super::*;
use crate::cli::voice::Voice;
use crate::locale::Locale;

fn lines(failure: &Failure) -> [String; 2] {
    [Locale::English, Locale::Japanese].map(|locale| failure.line(&Voice::of(locale).unwrap()).unwrap())
}

#[test]
fn a_store_that_fails_says_what_to_do() {
    let [english, japanese] = lines(&StoreError::new(StoreErrorKind::Busy).into());
    assert_eq!(english, "the database is busy: try again in a moment");
    assert_eq!(japanese, "データベースが混み合っています。少し待ってからやり直してください");
    let corrupt = StoreErrorKind::Corrupt { table: "sessions", column: "ip" };
    let [_, japanese] = lines(&StoreError::new(corrupt).into());
    assert!(japanese.starts_with("sessions.ip の値が壊れています。"), "{japanese}");
}

#[test]
fn a_refused_password_has_the_words_of_the_page_within_those_of_the_command() {
    let [english, japanese] = lines(&NotTaken::Refused(PasswordRefusal::TooShort { found: 9, min: 15 }).into());
    assert_eq!(english, "the password was not taken: 9 characters are too short; at least 15 are needed.");
    assert_eq!(japanese, "このパスワードは使えません。9文字では短すぎます。15文字以上にしてください。");
}

#[test]
fn a_failure_names_what_was_typed() {
    let [english, _] = lines(&Failure::new("no such file").about("--from"));
    assert_eq!(english, "--from: no such file");
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_explained_by_its_kind() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("no/such.db").display());
    let error = cloakroom_sql::Database::open(&url, cloakroom_sql::OpenOptions::default()).await.unwrap_err();
    let cause = error.to_string();
    let [english, japanese] = lines(&error.into());
    assert_eq!(english, cause);
    assert!(
        japanese.starts_with("データベースのディレクトリーがありません。") && japanese.contains(&cause),
        "{japanese}"
    );
}
