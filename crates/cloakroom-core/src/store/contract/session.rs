//! Clauses about what is stored: the same record comes back, and what is taken stays whose it is.

use super::trial::{IDLE, Kept, Trial, at, auth_method, conflict, duration, same, subject};
use crate::session::{ClientFacts, SessionRecord};
use crate::token::TokenDigest;

pub(super) async fn an_issued_session_is_found_in_every_field(trial: &Trial<'_>) -> Kept {
    let plain = trial.record("ada", 0);
    let ip = |text: &str| ClientFacts::new(None, text.parse().ok());
    let variants: [(&str, SessionRecord); 10] = [
        ("a plain session", plain.clone()),
        ("no idle timeout", SessionRecord { idle_timeout: None, ..trial.record("ada", 1) }),
        ("an idle timeout of 1 ms", SessionRecord { idle_timeout: Some(duration(1)), ..trial.record("ada", 2) }),
        ("an IPv6 address", SessionRecord { client: ip("2001:db8::7:8"), ..trial.record("ada", 3) }),
        ("nothing known of the client", SessionRecord { client: ClientFacts::default(), ..trial.record("ada", 4) }),
        (
            "a User-Agent of 256 bytes",
            SessionRecord { client: ClientFacts::new(Some(&"é".repeat(200)), None), ..trial.record("ada", 5) },
        ),
        (
            "a User-Agent full of quotes",
            SessionRecord { client: ClientFacts::new(Some("'\"`\\;--%_$1?{}"), None), ..trial.record("ada", 6) },
        ),
        ("a subject of 255 bytes", trial.record(&format!("{}é", "漢😀é".repeat(28)), 7)),
        (
            "a method of 32 bytes",
            SessionRecord { auth_method: auth_method(&"a-0_".repeat(8)), ..trial.record("ada", 8) },
        ),
        (
            "times that are all different",
            SessionRecord {
                created_at: at(-5),
                authenticated_at: at(17),
                last_seen_at: at(39),
                absolute_expires_at: at(34_560_000_000),
                ..trial.record("ada", 9)
            },
        ),
    ];
    for (variant, record) in variants {
        let login = trial.log_in_as(&record).await?;
        trial.stands(&format!("{variant}: find returns what was issued"), &login).await?;
    }
    Ok(())
}

pub(super) async fn an_unknown_digest_is_not_found(trial: &Trial<'_>) -> Kept {
    trial.gone("in an empty store nothing is found", trial.digest()).await?;
    trial.log_in("ada", 0).await?;
    trial.gone("a digest nobody has is not found", trial.digest()).await?;
    same("and has no ending", &trial.sessions.ending_of(trial.digest()).await?, &None)
}

pub(super) async fn digests_are_compared_byte_by_byte(trial: &Trial<'_>) -> Kept {
    let mut last = [0; 32];
    last[31] = 1;
    let mut first = [0; 32];
    first[0] = 1;
    let mut logins = Vec::new();
    for bytes in [[0; 32], last, first, [0xff; 32]] {
        let record = trial.record("ada", 0);
        logins.push(trial.log_in_with(&record, |issue| issue.digest = TokenDigest::from_bytes(bytes)).await?.0);
    }
    for login in &logins {
        trial.stands("digests that differ in one bit are two digests", login).await?;
    }
    first[31] = 1;
    trial.gone("a digest that differs in one bit is not found", TokenDigest::from_bytes(first)).await
}

pub(super) async fn a_taken_digest_is_a_conflict(trial: &Trial<'_>) -> Kept {
    let first = trial.log_in("ada", 0).await?;
    let mut again = trial.issue(trial.sessions.begin().await?, &trial.record("eve", 1));
    again.digest = first.digest;
    conflict("issuing a taken digest", trial.sessions.issue(again).await)?;
    trial.stands("whose digest it was keeps it", &first).await?;
    same("nothing else came to be", &trial.ids(Some("eve")).await?, &Vec::new())
}

pub(super) async fn a_taken_id_is_a_conflict(trial: &Trial<'_>) -> Kept {
    let first = trial.log_in("ada", 0).await?;
    let record = SessionRecord { id: first.record.id, ..trial.record("eve", 1) };
    let again = trial.issue(trial.sessions.begin().await?, &record);
    let digest = again.digest;
    conflict("issuing a taken session id", trial.sessions.issue(again).await)?;
    trial.stands("whose id it was keeps it", &first).await?;
    trial.gone("the second session did not come to be", digest).await
}

pub(super) async fn a_conflict_ends_nothing(trial: &Trial<'_>) -> Kept {
    let (oldest, newest) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 1).await?);
    let mut again = trial.issue(trial.sessions.begin().await?, &trial.record("ada", 2));
    (again.digest, again.supersedes, again.max_per_subject) = (newest.digest, vec![oldest.digest], 1);
    conflict("issuing a taken digest", trial.sessions.issue(again).await)?;
    trial.stands("a login that fails supersedes nothing", &oldest).await?;
    trial.stands("a login that fails ends nothing over the cap", &newest).await?;
    same("and the feed has no ending", &trial.sessions.endings(subject("ada"), 10).await?, &Vec::new())
}

pub(super) async fn subjects_are_compared_byte_by_byte(trial: &Trial<'_>) -> Kept {
    let texts = ["ada", "ADA", "ada ", " ada", "a%", "a_a", "é", "e\u{301}", "%", "0", "00", "' OR 1=1 --"];
    let mut logins = Vec::new();
    for text in texts {
        logins.push(trial.log_in(text, 0).await?);
    }
    for (text, login) in texts.into_iter().zip(&logins) {
        let what = format!("subject {text:?} has its own session and no other's");
        same(&what, &trial.ids(Some(text)).await?, &vec![login.record.id])?;
    }
    for login in &logins {
        let ended = trial.sessions.end(login.subject(), crate::ending::EndReason::SubjectWide, at(1)).await?;
        same(&format!("ending all of subject {} ends one", login.record.subject), &ended, &1)?;
    }
    Ok(())
}

pub(super) async fn an_expired_session_is_found_until_it_is_purged(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    trial.touch(login.digest, IDLE, IDLE).await?;
    trial.purge(IDLE, 10, IDLE).await?;
    trial.stands("an expired session is found: the verdict decides", &login).await?;
    same("it is listed too", &trial.ids(Some("ada")).await?, &vec![login.record.id])
}
