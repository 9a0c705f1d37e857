//! `GET /admin/sessions`: everybody's, found by a search. `POST /admin/sessions/{id}/end` ends one; `GET` and `POST
//! /admin/sessions/end` say how many match and end them.

use std::collections::HashMap;

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use cloakroom::{Code, SessionId, SessionRecord, Subject, Timestamp};
use cloakroom_core::account::LoginName;
use cloakroom_core::store::{ListQuery, SessionFilter, SessionStore, StoreError};
use cloakroom_core::verdict::{Verdict, verdict};

use crate::administration::Act;
use crate::afterwards::{Place, Task};
use crate::app::App;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError, Fields};
use crate::filter;
use crate::pages::admin::{SESSIONS, Sent, Shown, account, notice};
use crate::pages::{Visit, page};
use crate::view::admin::{Counted, EndPage, Search, SessionsPage, ShownSession};

/// Sessions on a page.
const LIMIT: u32 = 50;
/// Pages of a count, each of which looks at a bounded number of rows: of more sessions the answer is "at least".
const COUNTED_PAGES_MAX: u32 = 2;
/// Where a page begins, in its address.
pub(super) const BEFORE: &str = "before";
/// What is typed into the search form.
const TYPED: [&str; 5] = ["who", "network", "browser", "older_than", "auth_method"];

/// What was asked for.
struct Asked {
    search: Search,
    filter: SessionFilter,
    before: Option<SessionId>,
}

impl Asked {
    /// Reads the search; `who` is a login name or, if there is no such account, a subject.
    async fn read(app: &App, mut fields: Fields) -> Result<Result<Self, (Search, Vec<FieldError>)>, Failure> {
        let mut typed = TYPED.map(|field| fields.peek(field).chars().take(255).collect::<String>());
        let who = fields.optional("who").unwrap_or_default().trim().to_owned();
        let before = fields.optional(BEFORE).map(|text| text.parse::<SessionId>());
        if matches!(before, Some(Err(_))) {
            fields.complain(BEFORE, Complaint::NotAllowed);
        }
        let mut filter = filter::typed(&mut fields, app.now());
        if !who.is_empty() {
            match (subject_of(app, &who).await?, &filter.subject) {
                (Some(subject), None) => filter.subject = Some(subject),
                _ => fields.complain("who", Complaint::NotAllowed),
            }
        } else if let Some(subject) = &filter.subject {
            subject.as_str().clone_into(&mut typed[0]);
        }
        let [who, network, browser, older_than, auth_method] = typed;
        let search = Search { who, network, browser, older_than, auth_method };
        let errors = fields.into_errors();
        if !errors.is_empty() {
            return Ok(Err((search, errors)));
        }
        Ok(Ok(Self { search, filter, before: before.and_then(Result::ok) }))
    }
}

async fn subject_of(app: &App, typed: &str) -> Result<Option<Subject>, StoreError> {
    if let Ok(name) = LoginName::new(typed)
        && let Some(account) = app.accounts().by_login_name(name).await?
    {
        return Ok(Some(account.subject));
    }
    Ok(Subject::new(typed).ok())
}

/// Shows living sessions, newest first. A page looks at so many rows and no more, however few match.
pub(crate) async fn get(Shown(visit): Shown, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let (app, words) = (&visit.app, visit.words());
    let mut fields = Fields::from_query(query.as_deref())?;
    let notice = notice(&mut fields).map(|notice| notice.said(words));
    let mut view = SessionsPage { notice, ..SessionsPage::empty(words, &visit.form_token, visit.expires()) };
    let asked = match Asked::read(app, fields).await? {
        Ok(asked) => asked,
        Err((search, errors)) => {
            let view = SessionsPage { search, ..view.complaining(&errors) };
            return page(StatusCode::UNPROCESSABLE_ENTITY, &view);
        }
    };
    let query = ListQuery { filter: asked.filter.clone(), before: asked.before, limit: LIMIT };
    let found = app.database().sessions().list(query).await?;
    let now = app.now();
    // The store also lists what expired and is not purged yet.
    let is_usable = |record: &&SessionRecord| verdict(*record, now, app.sessions().policy()) == Verdict::Usable;
    let living: Vec<_> = found.sessions.iter().filter(is_usable).collect();
    view.sessions = shown(&visit, &living, now).await?;
    view.is_first = asked.before.is_none();
    view.is_cut_short = found.next.is_some() && living.len() < LIMIT as usize;
    let typed = asked.search.query(None);
    view.back = address(&asked.search.query(asked.before));
    view.older = found.next.map(|id| asked.search.query(Some(id)));
    view.end = (asked.filter != SessionFilter::default()).then_some(typed);
    view.search = asked.search;
    page(StatusCode::OK, &view)
}

fn address(query: &str) -> String {
    if query.is_empty() { SESSIONS.to_owned() } else { format!("{SESSIONS}?{query}") }
}

/// With the login names of those that have one.
async fn shown(visit: &Visit, records: &[&SessionRecord], now: Timestamp) -> Result<Vec<ShownSession>, Failure> {
    let mut names: HashMap<&Subject, (String, Option<String>)> = HashMap::new();
    for record in records {
        if names.contains_key(&record.subject) {
            continue;
        }
        let account = visit.app.accounts().by_subject(record.subject.clone()).await?;
        let who = match account {
            Some(found) => (found.login_name.to_string(), Some(account::address(&found.subject))),
            None => (record.subject.to_string(), None),
        };
        names.insert(&record.subject, who);
    }
    let here = visit.session.principal();
    let of = |record: &&SessionRecord| {
        let who = names.get(&record.subject).cloned().unwrap_or_default();
        let is_this = record.id == here.session_id();
        let principal = if is_this { here.clone() } else { visit.session.principal_of(record) };
        ShownSession::new(visit.words(), record, &principal, who, is_this, now)
    };
    Ok(records.iter().map(of).collect())
}

/// Ends one session, whoever's it is.
pub(crate) async fn end_one(Path(id): Path<String>, mut sent: Sent) -> Result<Response, Failure> {
    let back = sent.fields.optional("back");
    let place = back.as_ref().and_then(|text| Place::parse(text));
    if back.is_some() && place.is_none() {
        sent.fields.complain("back", Complaint::NotAllowed);
    }
    sent.fields.finish()?;
    let id = id.parse().map_err(|_| Failure::of(Code::NotFound))?;
    sent.asked.answer(Task { act: Act::EndOne(id), back: place }).await
}

/// Says how many sessions match, and asks whether they are to end.
pub(crate) async fn ask(Shown(visit): Shown, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let (app, words) = (&visit.app, visit.words());
    let mut fields = Fields::from_query(query.as_deref())?;
    let notice = notice(&mut fields).map(|notice| notice.said(words));
    let Asked { search, filter, before } = match Asked::read(app, fields).await? {
        Ok(asked) => asked,
        Err((_, errors)) => return Err(Failure::invalid(errors)),
    };
    filter::require_some(&filter, "who")?;
    let (store, now) = (app.database().sessions(), app.now());
    let matching = count(&*store, &filter, before, now).await?;
    let all = count(&*store, &SessionFilter::default(), before, now).await?;
    let own = store.find(visit.session.token_digest()).await?;
    let account = match &filter.subject {
        Some(subject) => app.accounts().by_subject(subject.clone()).await?,
        None => None,
    };
    let view = EndPage {
        words,
        form_token: &visit.form_token,
        expires: visit.expires(),
        notice,
        asked: EndPage::in_words(words, &filter, account.as_ref(), now),
        matching,
        all,
        is_own_among: own.is_some_and(|own| filter.matches(&own) && before.is_none_or(|before| own.id < before)),
        fields: filter::pairs(&filter).into_iter().chain(before.map(|id| (BEFORE, id.to_string()))).collect(),
        back: address(&search.query(None)),
    };
    page(StatusCode::OK, &view)
}

/// As many as a few pages look at.
async fn count(
    store: &dyn SessionStore,
    filter: &SessionFilter,
    mut before: Option<SessionId>,
    now: Timestamp,
) -> Result<Counted, StoreError> {
    let mut found = 0;
    for _ in 0..COUNTED_PAGES_MAX {
        let page = store.count_matching(filter.clone(), before, now).await?;
        found += usize::try_from(page.living).unwrap_or(usize::MAX);
        before = page.next;
        if before.is_none() {
            return Ok(Counted { found, is_more: false });
        }
    }
    Ok(Counted { found, is_more: true })
}

/// Ends the sessions that match.
pub(crate) async fn end_matching(mut sent: Sent) -> Result<Response, Failure> {
    let before = sent.fields.optional(BEFORE).map(|text| text.parse::<SessionId>());
    if matches!(before, Some(Err(_))) {
        sent.fields.complain(BEFORE, Complaint::NotAllowed);
    }
    let filter = filter::typed(&mut sent.fields, sent.asked.visit.app.now());
    sent.fields.finish()?;
    filter::require_some(&filter, "who")?;
    let act = Act::ending(filter, before.and_then(Result::ok));
    sent.asked.answer(Task { act, back: None }).await
}
