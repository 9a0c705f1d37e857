//! Every way in which a session can end: through an instance, through the accounts, or by another program's hand.

use std::time::Duration;

use cloakroom::world::SystemClock;
use cloakroom::{SessionId, Timestamp};
use cloakroom_core::store::{Changed, PasswordChange, Purge};
use cloakroom_core::world::Clock as _;

use crate::place::{Instance, Place, ada, some_hash};

/// A way to end a session. When it has returned, the session's cookie is worth nothing, anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Logout,
    NewLogin,
    Replacement,
    ById,
    OfSubject,
    OfEveryone,
    Password,
    Disabling,
    DeletedByHand,
    ExpiredByHand,
    IdleByHand,
    ReplacedByHand,
    Truncated,
    Purged,
}

/// The most frequent first; what ends everybody's is dear, and seldom.
const ENDINGS: [(Ending, u64); 14] = [
    (Ending::Logout, 16),
    (Ending::DeletedByHand, 14),
    (Ending::ExpiredByHand, 12),
    (Ending::OfSubject, 10),
    (Ending::ById, 10),
    (Ending::Password, 8),
    (Ending::Disabling, 6),
    (Ending::IdleByHand, 5),
    (Ending::NewLogin, 5),
    (Ending::Replacement, 5),
    (Ending::Purged, 4),
    (Ending::ReplacedByHand, 2),
    (Ending::OfEveryone, 2),
    (Ending::Truncated, 1),
];

impl Ending {
    pub(crate) fn pick(random: u64) -> Self {
        let mut left = random % ENDINGS.iter().map(|(_, share)| share).sum::<u64>();
        for (ending, share) in ENDINGS {
            if left < share {
                return ending;
            }
            left -= share;
        }
        Self::Logout
    }

    /// Ends the session of `id`, whose cookie is `cookie`, with the help of one instance.
    pub(crate) async fn happen(self, place: &mut Place, at: usize, id: SessionId, cookie: &str) {
        let instance = place.instances[at].clone();
        if let Some(sql) = self.by_hand(id, place.hand.is_postgres()) {
            place.hand.run(&sql).await;
        }
        self.through(&instance, id, cookie).await;
    }

    /// What another program would say.
    fn by_hand(self, id: SessionId, is_postgres: bool) -> Option<String> {
        let (now, then) = if is_postgres {
            ("now()", "now() - interval '30 days'")
        } else {
            ("unixepoch('subsec') * 1000", "(unixepoch('subsec') - 30 * 86400) * 1000")
        };
        let set = |change: String| Some(format!("UPDATE sessions SET {change} WHERE id = '{id}'"));
        match self {
            Self::DeletedByHand => Some(format!("DELETE FROM sessions WHERE id = '{id}'")),
            Self::ExpiredByHand => set(format!("absolute_expires_at = CAST({now} AS {})", time(is_postgres))),
            Self::IdleByHand if is_postgres => set("idle_timeout = interval '0'".to_owned()),
            Self::IdleByHand => set("idle_timeout = 0".to_owned()),
            Self::ReplacedByHand => set(format!("token_digest = {}", nobody(is_postgres))),
            Self::Truncated if is_postgres => Some("TRUNCATE sessions".to_owned()),
            Self::Truncated => Some("DELETE FROM sessions".to_owned()),
            Self::Purged => set(format!("absolute_expires_at = CAST({then} AS {})", time(is_postgres))),
            _ => None,
        }
    }

    async fn through(self, instance: &Instance, id: SessionId, cookie: &str) {
        let now = SystemClock.now();
        let sent = async |path| instance.send("POST", path, Some(cookie)).await.0;
        let is_done = |changed| assert!(matches!(changed, Ok(Changed::Done { .. })), "{changed:?}");
        match self {
            Self::Logout => assert_eq!(sent("/logout").await, 204),
            Self::NewLogin => {
                let (status, _, body) = instance.send("POST", "/login/ada", Some(cookie)).await;
                assert_eq!(status, 200, "{body}");
            }
            Self::Replacement => assert_eq!(sent("/replace").await, 204),
            Self::ById => assert!(instance.sessions.end_session(id).await.unwrap()),
            Self::OfSubject => assert!(instance.sessions.end_all_of(&ada()).await.unwrap() > 0),
            Self::OfEveryone => assert!(instance.sessions.end_everyone().await.unwrap() > 0),
            Self::Password => {
                let (new, at) = (some_hash(), now);
                let change = PasswordChange { subject: ada(), expected: None, new, keep: None, at };
                is_done(instance.accounts.change_password(change).await);
            }
            Self::Disabling => is_done(instance.accounts.disable(ada(), now).await),
            Self::Purged => {
                let ended_before = now.minus(Duration::from_hours(24));
                let purge = Purge { ended_before, feed_before: Timestamp::from_millis(0), chunk: 100, at: now };
                instance.store.purge(purge).await.unwrap();
            }
            _ => {}
        }
    }
}

const fn time(is_postgres: bool) -> &'static str {
    if is_postgres { "timestamptz" } else { "INTEGER" }
}

/// The digest of a token that nobody has: another for each row.
const fn nobody(is_postgres: bool) -> &'static str {
    if is_postgres { "sha256(token_digest)" } else { "randomblob(32)" }
}
