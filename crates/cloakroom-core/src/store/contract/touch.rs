//! Clauses about touches (G3): they move one time forward and bring nobody back.

use super::trial::{ABSOLUTE, IDLE, Kept, Login, Trial, at, same};
use crate::ending::EndReason;
use crate::session::SessionRecord;
use crate::store::{Target, Touch};

fn seen(login: &Login, ms: i64) -> Login {
    let record = SessionRecord { last_seen_at: at(ms), ..login.record.clone() };
    Login { digest: login.digest, record }
}

pub(super) async fn a_touch_moves_the_last_use_and_nothing_else(trial: &Trial<'_>) -> Kept {
    let (login, other) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 0).await?);
    same("a living session is touched", &trial.touch(login.digest, 40, 50).await?, &true)?;
    trial.stands("the last use is the time of the use, all else is as before", &seen(&login, 40)).await?;
    trial.stands("another session is untouched", &other).await?;
    same("nothing was created", &trial.ids(None).await?.len(), &2)
}

pub(super) async fn a_touch_never_moves_the_last_use_back(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    trial.touch(login.digest, 500, 500).await?;
    same("an earlier use is fine", &trial.touch(login.digest, 400, 501).await?, &true)?;
    trial.stands("but moves nothing back", &seen(&login, 500)).await?;
    same("so is one from before the login", &trial.touch(login.digest, -400, 502).await?, &true)?;
    trial.stands("but moves nothing back", &seen(&login, 500)).await
}

pub(super) async fn a_touch_prolongs_the_idle_timeout(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    for use_at in [IDLE - 1, 2 * IDLE - 2, 3 * IDLE - 3] {
        same("living until a millisecond before", &trial.touch(login.digest, use_at, use_at).await?, &true)?;
    }
    trial.stands("it was used three times", &seen(&login, 3 * IDLE - 3)).await
}

pub(super) async fn an_idle_session_is_not_touched(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    for now in [IDLE, IDLE + 1, 2 * IDLE, ABSOLUTE] {
        same("from the idle timeout on a touch is refused", &trial.touch(login.digest, now, now).await?, &false)?;
    }
    same("so is a use from before it", &trial.touch(login.digest, IDLE - 1, IDLE).await?, &false)?;
    trial.stands("a refused touch changes nothing", &login).await
}

pub(super) async fn a_session_past_its_absolute_timeout_is_not_touched(trial: &Trial<'_>) -> Kept {
    let record = SessionRecord { idle_timeout: None, ..trial.record("ada", 0) };
    let login = trial.log_in_as(&record).await?;
    let last = ABSOLUTE - 1;
    same("living until a millisecond before", &trial.touch(login.digest, last, last).await?, &true)?;
    for now in [ABSOLUTE, ABSOLUTE + 1, 10 * ABSOLUTE] {
        same("from the absolute timeout on it is refused", &trial.touch(login.digest, now, now).await?, &false)?;
    }
    trial.stands("a refused touch changes nothing", &seen(&login, last)).await
}

pub(super) async fn touching_the_unknown_is_refused_and_leaves_no_row(trial: &Trial<'_>) -> Kept {
    let digest = trial.digest();
    same("an unknown digest is refused", &trial.touch(digest, 5, 5).await?, &false)?;
    trial.gone("and no session came of it (G3)", digest).await?;
    same("in no list either", &trial.ids(None).await?, &Vec::new())
}

pub(super) async fn a_touch_after_the_end_leaves_no_row(trial: &Trial<'_>) -> Kept {
    for (of, target) in ["token", "id", "subject", "everyone"].into_iter().enumerate() {
        let login = trial.log_in("ada", 0).await?;
        let target_is = match of {
            0 => Target::Token(login.digest),
            1 => Target::Session(login.record.id),
            2 => login.subject(),
            _ => Target::Everyone,
        };
        same("one session ends", &trial.end(target_is, EndReason::Logout, 5).await?, &1)?;
        let what = format!("ended by {target}: a touch in flight is refused");
        same(&what, &trial.touch(login.digest, 4, 6).await?, &false)?;
        trial.ended("and it stays ended (G3)", &login, EndReason::Logout, at(5)).await?;
        same("in no list either", &trial.ids(None).await?, &Vec::new())?;
    }
    Ok(())
}

pub(super) async fn a_batch_touches_the_living_and_names_the_gone(trial: &Trial<'_>) -> Kept {
    let short = SessionRecord { absolute_expires_at: at(30), ..trial.record("ada", 0) };
    let expired = trial.log_in_as(&short).await?;
    let (ended, one, two) =
        (trial.log_in("ada", 0).await?, trial.log_in("ada", 0).await?, trial.log_in("eve", 0).await?);
    trial.log_out(&ended, 5).await?;
    let unknown = trial.digest();
    let touches = [(one.digest, 40), (ended.digest, 41), (expired.digest, 29), (unknown, 42), (two.digest, 43)];
    let touches = touches.map(|(digest, used)| Touch { digest, used_at: at(used) }).to_vec();
    let mut refused = trial.sessions.touch(touches, at(50)).await?;
    refused.sort_unstable();
    let mut wanted = vec![ended.digest, expired.digest, unknown];
    wanted.sort_unstable();
    same("a batch returns exactly the digests that are gone or ended", &refused.len(), &wanted.len())?;
    same("and these are the ones", &(refused == wanted), &true)?;
    trial.stands("a living one moved to its own time", &seen(&one, 40)).await?;
    trial.stands("a living one moved to its own time", &seen(&two, 43)).await?;
    trial.stands("an expired one did not move", &expired).await
}

pub(super) async fn a_batch_may_name_a_session_twice(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    let twice = |first, second| [first, second].map(|used| Touch { digest: login.digest, used_at: at(used) }).to_vec();
    same("nothing is refused", &trial.sessions.touch(twice(70, 60), at(80)).await?, &Vec::new())?;
    trial.stands("the later use counts", &seen(&login, 70)).await?;
    same("nothing is refused", &trial.sessions.touch(twice(75, 90), at(99)).await?, &Vec::new())?;
    trial.stands("in either order", &seen(&login, 90)).await
}

pub(super) async fn a_batch_may_be_empty_or_large(trial: &Trial<'_>) -> Kept {
    same("an empty batch is fine", &trial.sessions.touch(Vec::new(), at(1)).await?, &Vec::new())?;
    let login = trial.log_in("ada", 0).await?;
    let mut touches: Vec<_> = (0..2_000).map(|_| Touch { digest: trial.digest(), used_at: at(1) }).collect();
    touches.push(Touch { digest: login.digest, used_at: at(2) });
    let refused = trial.sessions.touch(touches, at(3)).await?;
    same("2,000 unknown digests are refused", &refused.len(), &2_000)?;
    trial.stands("the living one among them is touched", &seen(&login, 2)).await
}
