//! Real files, named in a configuration: what is taken, what is refused, and what happens when nobody can tell.

use super::*;

const LISTED: &str = "violet tractor hums at noon";
const OTHER: &str = "seven quiet lanterns drift east";
/// SHA-1 of `LISTED`, between two others.
const LIST: &str = "ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42:221\r\n\
    D1DB36AB52723745CC4A82335F24DE387F8FE18C:3\r\n\
    E38AD214943DAAD1D64C102FAEC29DE4AFE9DA3D:1\r\n";

fn name() -> LoginName {
    LoginName::new("ada").unwrap()
}

#[tokio::test]
async fn a_file_is_asked_anew_each_time_and_what_nobody_can_look_up_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("breached.txt");
    let passwords = NewPasswords::new(PasswordRules::default(), Some(BreachedFile::from(path.as_path())));
    let codes = async || {
        let mut codes = Vec::new();
        for typed in [LISTED, OTHER, "too short"] {
            codes.push(match passwords.judge(typed, &name()).await {
                Ok(Ok(_)) => "taken",
                Ok(Err(refusal)) => refusal.code(),
                Err(failure) => failure.code().as_str(),
            });
        }
        codes
    };
    // A rule that needs no file is told all the same.
    assert_eq!(codes().await, ["unavailable", "unavailable", "too_short"]);
    std::fs::write(&path, LIST).unwrap();
    assert_eq!(codes().await, ["breached", "taken", "too_short"]);
    std::fs::write(&path, LIST.lines().next().unwrap()).unwrap();
    assert_eq!(codes().await, ["taken", "taken", "too_short"]);
    for no_list in ["", "password123\n", "ABF7AAD6438836DBE526AA231ABDE2D0EEF74D4\n"] {
        std::fs::write(&path, no_list).unwrap();
        assert_eq!(codes().await, ["unavailable", "unavailable", "too_short"], "{no_list:?}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(codes().await, ["unavailable", "unavailable", "too_short"]);
}

#[tokio::test]
async fn so_many_are_judged_at_once_and_no_more() {
    let passwords = NewPasswords::new(PasswordRules::default(), None);
    let turns = Arc::clone(&passwords.turns).acquire_many_owned(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
    assert_eq!(passwords.judge(OTHER, &name()).await.err().map(|failure| failure.code()), Some(Code::Busy));
    drop(turns);
    assert!(passwords.judge(OTHER, &name()).await.unwrap().is_ok());
}
