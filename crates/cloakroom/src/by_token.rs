//! Validating a token by itself: for who gets it another way than in a cookie of a request, such as a service API.

use cloakroom_core::session::SessionRecord;
use cloakroom_core::token::{Token, TokenDigest};

use crate::future::Use;
use crate::principal::{Outcome, Principal};
use crate::sessions::Sessions;
use crate::validate::{Validated, at_once, validate};
use crate::{follow, sweep};

impl Sessions {
    /// Says of a token what the layer says of a request with it in the cookie, and counts as use of the session as that does.
    ///
    /// ```
    /// use cloakroom::{Outcome, Sessions, Token};
    /// # async fn example(sessions: Sessions, presented: &str) {
    /// let outcome = match Token::parse(presented) {
    ///     Ok(token) => sessions.verify(&token).await,
    ///     Err(_) => Outcome::Anonymous,
    /// };
    /// if let Outcome::Active(principal) = outcome {
    ///     println!("it is {}", principal.session_id());
    /// }
    /// # }
    /// ```
    pub async fn verify(&self, token: &Token) -> Outcome {
        sweep::start_once(self.shared());
        let validated = self.validated(token).await;
        if let Some(touching) = Use::of(self, &validated).and_then(Use::note) {
            touching.await;
        }
        validated.outcome
    }

    /// The same, and no use of the session: for asking in the background, which must not defeat the idle timeout.
    pub async fn verify_without_use(&self, token: &Token) -> Outcome {
        self.validated(token).await.outcome
    }

    /// What validation would say of a session of a list, for showing when it ends.
    pub fn principal_of(&self, record: &SessionRecord) -> Principal {
        // Nobody asks it for its digest, which a list does not tell.
        Principal::of(TokenDigest::from_bytes([0; 32]), record, self.policy())
    }

    async fn validated(&self, token: &Token) -> Validated {
        let (shared, presented) = (self.shared(), [token.digest()]);
        if shared.lease().is_some() {
            follow::start_once(shared);
        }
        match at_once(shared, &presented) {
            Some(validated) => validated,
            None => Box::pin(validate(shared, &presented, false)).await,
        }
    }
}
