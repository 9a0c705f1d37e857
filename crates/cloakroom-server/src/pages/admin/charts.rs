//! `GET /admin/charts`: what was measured, drawn for administrators.

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use cloakroom_core::measurement::History;
use cloakroom_core::store::MeasurementQuery;

use crate::failure::Failure;
use crate::fields::{Complaint, Fields};
use crate::pages::admin::Shown;
use crate::pages::page;
use crate::view::chart::{ChartsPage, Span};

/// Shows the charts of a span: `?span=24h` or `?span=30d`.
pub(crate) async fn get(Shown(visit): Shown, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let span = match fields.optional("span") {
        None => Span::default(),
        Some(word) => Span::named(&word).unwrap_or_else(|| {
            fields.complain("span", Complaint::NotAllowed);
            Span::default()
        }),
    };
    fields.finish()?;
    let window = span.window(visit.app.now());
    let query = MeasurementQuery { resolution: window.resolution, from: window.from, before: window.end() };
    let found = visit.app.database().measurements().measurements(query).await?;
    let history = History::of(window, &found);
    page(StatusCode::OK, &ChartsPage::new(visit.words(), &visit.form_token, visit.expires(), span, &history))
}
