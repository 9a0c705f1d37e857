//! Database-backed login sessions for axum and tower: log someone out and they are out.
//!
//! One layer validates every request against the store; extractors tell handlers who makes it. Start at [`Sessions`].
//!
//! What must not live here: SQL (that is `cloakroom-sql`), and any decision about who is logged in that could be
//! a pure function (that is `cloakroom-core`).

pub mod cookie;
pub mod world;

mod builder;
mod by_token;
mod ended;
mod extract;
mod follow;
mod form_token;
mod future;
mod latency;
mod layer;
mod login;
mod past;
mod principal;
mod rejection;
mod response;
mod service;
mod session;
mod sessions;
mod shared;
mod spans;
mod sweep;
mod touches;
mod validate;

pub use cloakroom_core::client_address::{AddressKept, Network, TrustedProxies};
pub use cloakroom_core::coherence::LeaseTerms;
pub use cloakroom_core::ending::{EndReason, Ending};
pub use cloakroom_core::policy::{Keep, Policy, PolicyError};
pub use cloakroom_core::problem::Code;
pub use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
pub use cloakroom_core::store::{Purged, Scrubbed, Target};
pub use cloakroom_core::time::Timestamp;
pub use cloakroom_core::token::{NotAToken, Token};

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use cloakroom_sql::{Database, IssueIn, OpenError, OpenOptions};

pub use builder::Builder;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use builder::ConnectError;
pub use cookie::CookieSettings;
pub use ended::Ended;
pub use extract::{Recent, Strict};
pub use follow::FollowCounts;
pub use form_token::FormToken;
pub use future::ResponseFuture;
pub use latency::{Latency, LatencyCounts};
pub use layer::SessionsLayer;
pub use login::{Attempt, IssueError, IssuedToken};
pub use past::Past;
pub use principal::{Outcome, Principal};
pub use rejection::{Rejection, Unavailable};
pub use response::{LoggedIn, LoggedOut, NotAUse};
pub use service::SessionsService;
pub use session::{ReplaceError, Session};
pub use sessions::Sessions;
pub use sweep::{SweepCounts, SweepRun};
pub use validate::Validation;
pub use validate::counts::{RequestCount, ValidationCounts};
