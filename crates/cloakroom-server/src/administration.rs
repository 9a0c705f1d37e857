//! What administrators do to others' sessions and accounts and to service tokens: a closed list, doing it, and what is recorded of it. Pages and programs do
//! the same. Who may is asked elsewhere, except where the database decides it in the same transaction.

use cloakroom::{Code, EndReason, Session, SessionId, Sessions, Subject, Target};
use cloakroom_core::event::EventKind;
use cloakroom_core::service_token::{Scope, ServiceToken, ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::store::{AccountAct, Added, Administration, Changed, ListQuery, SessionFilter};
use cloakroom_core::throttle::CounterKey;

use crate::administrator;
use crate::app::App;
use crate::events::Happened;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError};

/// Sessions ended in one transaction: logins wait no longer for it than for a purge.
const CHUNK: u32 = 100;
/// Transactions of one request, which has to be answered: of more sessions the rest is for the next one.
const CHUNKS_MAX: u32 = 100;

/// Something an administrator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Ends one session, whoever's it is.
    EndOne(SessionId),
    /// Ends all of a subject, logins under way included.
    EndAllOf(Subject),
    /// Ends what matches, of the sessions below this id.
    EndMatching(SessionFilter, Option<SessionId>),
    /// Changes an account.
    Change(AccountAct, Subject),
    /// Forgets the failed attempts under an account's login name.
    Unlock(Subject),
    /// Makes a service token.
    AddServiceToken(ServiceTokenName, Scope),
    /// Removes a service token.
    RemoveServiceToken(ServiceTokenName),
}

/// What has been done.
#[derive(Debug)]
pub(crate) struct Done {
    /// Sessions that ended with it.
    pub(crate) ended: u64,
    /// Where there is more to end.
    pub(crate) next: Option<SessionId>,
    /// What was made, for the one answer that hands it over.
    pub(crate) made: Option<ServiceToken>,
    /// Whether an instance that has not heard of it may still go by what was.
    pub(crate) is_to_spread: bool,
    /// Who did it, and to whom.
    pub(crate) happened: (Happened, Happened),
}

impl Done {
    const fn of(happened: (Happened, Happened)) -> Self {
        Self { ended: 0, next: None, made: None, is_to_spread: false, happened }
    }

    fn ending(ended: u64, happened: (Happened, Happened)) -> Self {
        Self { ended, is_to_spread: ended > 0, ..Self::of(happened) }
    }
}

impl Act {
    /// The one that ends what matches. All of a subject end as they do for their owner: logins under way do not outlive it (G4).
    pub(crate) fn ending(filter: SessionFilter, before: Option<SessionId>) -> Self {
        match (filter.is_selective(), &filter.subject) {
            (false, Some(subject)) => Self::EndAllOf(subject.clone()),
            _ => Self::EndMatching(filter, before),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// `not_found` where there is no such session, account or service token; `invalid_input` for the own account, a name that is taken,
    /// and where there can be no more; `forbidden` where whoever asks
    /// administrates no more; `busy` or `unavailable`.
    pub(crate) async fn carry_out(self, app: &App, sessions: &Sessions, by: &Session) -> Result<Done, Failure> {
        let did = Happened::by(EventKind::AuthzAdmin, by.principal()).because(self.word());
        let revoked = Happened::new(EventKind::TokenRevoked).because("administrator");
        match self {
            Self::EndOne(id) => {
                let whose = subject_of(app, id).await?;
                if sessions.end(Target::Session(id), EndReason::Administrator).await? == 0 {
                    return Err(Failure::of(Code::NotFound));
                }
                Ok(Done::ending(1, (did, revoked.to(&whose).session(id))))
            }
            Self::EndAllOf(subject) => {
                let happened = (did, revoked.to(&subject));
                let ended = sessions.end(Target::Subject(subject), EndReason::Administrator).await?;
                Ok(Done::ending(ended, happened))
            }
            Self::EndMatching(filter, before) => {
                let happened = (did, filter.subject.iter().fold(revoked, Happened::to));
                let (ended, next) = end_matching(app, sessions, &filter, before).await?;
                Ok(Done { next, ..Done::ending(ended, happened) })
            }
            Self::Change(act, subject) => change(app, sessions, by, act, subject, did).await,
            Self::Unlock(subject) => {
                let account = app.accounts().by_subject(subject).await?.ok_or(Failure::of(Code::NotFound))?;
                app.accounts().forget_counter(CounterKey::of_login_name(&account.login_name)).await?;
                let unlocked = Happened::new(EventKind::UserUpdated).to(&account.subject).because("unlocked");
                Ok(Done::of((did, unlocked)))
            }
            Self::AddServiceToken(name, scope) => {
                let made = add_service_token(app, name, scope).await?;
                // About whoever did it: there is nobody else, and rows about nobody are not all kept.
                let created = Happened::by(EventKind::ServiceTokenCreated, by.principal()).because("administrator");
                Ok(Done { made: Some(made), ..Done::of((did, created)) })
            }
            Self::RemoveServiceToken(name) => {
                if !app.accounts().remove_service_token(name.clone()).await? {
                    return Err(Failure::of(Code::NotFound));
                }
                tracing::info!(service_token = %name, "an administrator removed a service token");
                let removed = Happened::by(EventKind::ServiceTokenRemoved, by.principal()).because("administrator");
                Ok(Done { is_to_spread: true, ..Done::of((did, removed)) })
            }
        }
    }

    /// What it is called where it is recorded, and in a form.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::EndOne(_) => "end_one",
            Self::EndAllOf(_) => "end_all_of",
            Self::EndMatching(..) => "end_matching",
            Self::Change(AccountAct::Disable, _) => "disable",
            Self::Change(AccountAct::Enable, _) => "enable",
            Self::Change(AccountAct::Remove, _) => "remove",
            Self::Unlock(_) => "unlock",
            Self::AddServiceToken(..) => "add_service_token",
            Self::RemoveServiceToken(_) => "remove_service_token",
        }
    }
}

/// Whose session it is.
async fn subject_of(app: &App, id: SessionId) -> Result<Subject, Failure> {
    let query = ListQuery { before: Some(id.successor()), limit: 1, ..ListQuery::default() };
    let found = app.database().sessions().list(query).await?.sessions.pop().filter(|record| record.id == id);
    found.map(|record| record.subject).ok_or(Failure::of(Code::NotFound))
}

/// Chunk after chunk. This instance refuses them when it returns; the others as after any other end.
async fn end_matching(
    app: &App,
    sessions: &Sessions,
    filter: &SessionFilter,
    mut before: Option<SessionId>,
) -> Result<(u64, Option<SessionId>), Failure> {
    let (store, mut all) = (app.database().sessions(), 0);
    for _ in 0..CHUNKS_MAX {
        let page = store.end_matching(filter.clone(), before, CHUNK, EndReason::Administrator, app.now()).await;
        // What ended before an error has ended.
        let page = match page {
            Err(error) => {
                sessions.catch_up().await;
                return Err(error.into());
            }
            Ok(page) => page,
        };
        all += page.ended;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    sessions.catch_up().await;
    Ok((all, before))
}

async fn change(
    app: &App,
    sessions: &Sessions,
    by: &Session,
    act: AccountAct,
    subject: Subject,
    did: Happened,
) -> Result<Done, Failure> {
    let me = by.principal().subject().clone();
    if subject == me {
        return Err(Failure::invalid(vec![FieldError::new("subject", Complaint::OwnAccount)]));
    }
    let changed = match act {
        AccountAct::Disable => Happened::new(EventKind::UserUpdated).because("disabled"),
        AccountAct::Enable => Happened::new(EventKind::UserUpdated).because("enabled"),
        AccountAct::Remove => Happened::new(EventKind::UserDeleted).because("administrator"),
    };
    let happened = (did, changed.to(&subject));
    let administration = Administration { subject, by: me, act, at: app.now() };
    match app.accounts().administrate(administration).await? {
        Changed::Done { ended } => {
            sessions.catch_up().await;
            Ok(Done::ending(ended, happened))
        }
        Changed::Missing => Err(Failure::of(Code::NotFound)),
        // Somebody disabled or demoted whoever asks, since the request came in.
        Changed::Conflict => Err(Failure::of(Code::Forbidden).with([administrator::refused(by)])),
    }
}

async fn add_service_token(app: &App, name: ServiceTokenName, scope: Scope) -> Result<ServiceToken, Failure> {
    let token = ServiceToken::generate(app.random()).map_err(|error| {
        tracing::error!(%error, "no service token can be made");
        Failure::of(Code::Unavailable)
    })?;
    let record = ServiceTokenRecord {
        name: name.clone(),
        digest: token.digest(),
        scope,
        created_at: app.now(),
        last_used_at: None,
    };
    let complaint = match app.accounts().add_service_token(record).await? {
        Added::Added => {
            tracing::info!(service_token = %name, %scope, "an administrator added a service token");
            return Ok(token);
        }
        Added::Taken => Complaint::Taken,
        Added::Full => Complaint::Full,
    };
    Err(Failure::invalid(vec![FieldError::new("name", complaint)]))
}
