//! The closed list of error codes, each with its HTTP status. Texts live in the message catalogue.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal;)*) => {
        /// Why a request was refused: the `code` of an RFC 9457 problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's text in answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    /// Login name and password do not belong together, or the account may not log in: which, is not said.
    InvalidCredentials = "invalid_credentials", 401;
    /// Too many attempts; comes with `Retry-After`.
    Throttled = "throttled", 429;
    /// No session was presented, or none that is known.
    LoginRequired = "login_required", 401;
    /// The session was not used for its idle timeout.
    SessionIdle = "session_idle", 401;
    /// The session reached its absolute timeout.
    SessionAbsolute = "session_absolute", 401;
    /// Somebody ended the session.
    SessionRevoked = "session_revoked", 401;
    /// The credential has to be proven again first.
    StepUpRequired = "step_up_required", 403;
    /// The principal may not do this.
    Forbidden = "forbidden", 403;
    /// The request came from another site.
    CrossSite = "cross_site", 403;
    /// There is no such thing, or it belongs to somebody else.
    NotFound = "not_found", 404;
    /// The path knows other methods.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The body is larger than 64 KiB.
    TooLarge = "too_large", 413;
    /// The body is of a type that is not read here.
    UnsupportedMediaType = "unsupported_media_type", 415;
    /// The body or a parameter is not what is expected; the fields are named.
    InvalidInput = "invalid_input", 422;
    /// A mistake of ours; the log knows more under the request id.
    Internal = "internal", 500;
    /// Too much at once; comes with `Retry-After`.
    Busy = "busy", 503;
    /// The database cannot be asked; the cookie is kept; comes with `Retry-After`.
    Unavailable = "unavailable", 503;
}

impl Code {
    /// Whether the answer says when to try again.
    pub const fn retries(self) -> bool {
        matches!(self, Self::Throttled | Self::Busy | Self::Unavailable)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
