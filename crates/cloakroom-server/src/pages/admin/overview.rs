//! `GET /admin`

use axum::http::StatusCode;
use axum::response::Response;
use cloakroom::{Timestamp, Validation};
use cloakroom_core::skew::Skew;

use crate::app::App;
use crate::failure::Failure;
use crate::health::NotReady;
use crate::pages::admin::Shown;
use crate::pages::page;
use crate::view::Words;
use crate::view::admin::{OverviewPage, Row};

/// Shows how this instance and its database are.
pub(crate) async fn get(Shown(visit): Shown) -> Result<Response, Failure> {
    let (app, words) = (&visit.app, visit.words());
    let asked = app.now();
    let database = app.database().ping().await?;
    let now = app.now();
    let rows = vec![
        readiness(words, NotReady::of(app).await?),
        clocks(words, asked, database, now),
        migrations(app, words).await?,
        validation(app, words),
        hashing(app, words),
        sweep(app, words, now),
        waiting(app, words),
        Row::good(words.say("admin-version"), env!("CARGO_PKG_VERSION").to_owned()),
        Row::good(words.say("admin-started"), words.ago(app.started_at(), now)).at(app.started_at()),
    ];
    let (form_token, expires) = (&visit.form_token, visit.expires());
    page(StatusCode::OK, &OverviewPage { words, form_token, expires, rows })
}

/// What `/readyz` says, in words.
fn readiness(words: Words<'_>, reason: Option<NotReady>) -> Row {
    let said = words.say(match reason {
        None => "admin-ready-yes",
        Some(NotReady::Stopping) => "admin-ready-stopping",
        Some(NotReady::UnfinishedCopy) => "admin-ready-copy",
        Some(NotReady::Clocks(_)) => "admin-ready-clocks",
        Some(NotReady::NoLease) => "admin-ready-lease",
    });
    Row::new(words.say("admin-ready"), said, reason.is_none())
}

fn clocks(words: Words<'_>, asked: Timestamp, database: Option<Timestamp>, answered: Timestamp) -> Row {
    let skew = database.map_or(Skew::NoneProven, |time| Skew::proven(asked, time, answered));
    let seconds = |by: std::time::Duration| [("seconds", format!("{}.{}", by.as_secs(), by.subsec_millis() / 100))];
    let said = match skew {
        Skew::NoneProven if database.is_none() => words.say("admin-database-file"),
        Skew::NoneProven => words.say("admin-database-agrees"),
        Skew::Ahead(by) => words.with("admin-database-ahead", &seconds(by)),
        Skew::Behind(by) => words.with("admin-database-behind", &seconds(by)),
    };
    Row::new(words.say("admin-database"), said, skew.is_bearable())
}

async fn migrations(app: &App, words: Words<'_>) -> Result<Row, Failure> {
    let status = app.database().migration_status().await.map_err(|error| {
        tracing::error!(%error, "migrations cannot be read");
        Failure::of(cloakroom::Code::Unavailable)
    })?;
    let missing: Vec<_> = status.iter().filter(|step| !step.applied).map(|step| step.name.as_str()).collect();
    let said = match missing[..] {
        [] => words.with("admin-migrations-applied", &[("count", status.len().to_string())]),
        _ => words.with("admin-migrations-missing", &[("names", missing.join(", "))]),
    };
    Ok(Row::new(words.say("admin-migrations"), said, missing.is_empty()))
}

fn validation(app: &App, words: Words<'_>) -> Row {
    let title = words.say("admin-validation");
    let sessions = app.sessions();
    let Validation::Leased(terms) = sessions.validation() else {
        return Row::good(title, words.say("admin-validation-strict"));
    };
    let has_lease = sessions.has_lease() == Some(true);
    let key = if has_lease { "admin-validation-leased" } else { "admin-validation-lapsed" };
    let said = words.with(key, &[("ms", terms.lease.as_millis().to_string())]);
    Row::new(title, said, has_lease)
}

fn hashing(app: &App, words: Words<'_>) -> Row {
    let (taken, places) = app.hashing().taken();
    let values = [("taken", taken.to_string()), ("places", places.to_string())];
    Row::new(words.say("admin-hashing"), words.with("admin-hashing-places", &values), taken < places)
}

fn sweep(app: &App, words: Words<'_>, now: Timestamp) -> Row {
    let (last, errors) = (app.sessions().last_purged(), app.sessions().sweep_counts().purge_errors);
    let title = words.say("admin-sweep");
    match last {
        Some(at) if errors == 0 => Row::good(title, words.ago(at, now)).at(at),
        Some(at) => {
            let values = [("when", words.ago(at, now)), ("count", errors.to_string())];
            Row::new(title, words.with("admin-sweep-errors", &values), false).at(at)
        }
        None => Row::new(title, words.say("admin-sweep-never"), errors == 0),
    }
}

/// What waits in memory to be written, and what was lost on the way.
fn waiting(app: &App, words: Words<'_>) -> Row {
    let (uses, lost) = (app.sessions().touches_pending(), app.recorder().lost());
    let title = words.say("admin-waiting");
    let said = words.with("admin-waiting-uses", &[("count", uses.to_string())]);
    if lost == 0 {
        return Row::good(title, said);
    }
    let lost = words.with("admin-waiting-lost", &[("count", lost.to_string())]);
    Row::new(title, format!("{said} {lost}"), false)
}
