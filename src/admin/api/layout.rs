//! `GET /api/layout`: what a page has to know before it reads the history.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use serde::Serialize;

use super::response::json;
use crate::admin::service::Service;
use crate::history::{Combine, History, Layout, SeriesKind, TIERS, Unit};
use crate::stats::DURATION_BOUNDS;

/// The layout, in JSON.
#[derive(Serialize)]
struct Shown<'a> {
    version: &'static str,
    /// Absent if no history is kept.
    history: Option<HistoryShown<'a>>,
}

#[derive(Serialize)]
struct HistoryShown<'a> {
    tables: &'a [String],
    is_last_shared: bool,
    service_series: Vec<Series>,
    table_series: Vec<Series>,
    tiers: Vec<Tier>,
    /// The bounds of the series of lookups by how long they took.
    duration_bounds_seconds: Vec<f64>,
}

#[derive(Serialize)]
struct Series {
    name: &'static str,
    unit: &'static str,
    combine: &'static str,
}

#[derive(Serialize)]
struct Tier {
    step_seconds: u64,
    samples: usize,
}

/// The route. The layout never changes.
pub(super) fn routes(service: &Service) -> Router {
    let history = service.history.as_deref().map(History::layout).map(history);
    let shown = Shown { version: env!("CARGO_PKG_VERSION"), history };
    // Writing these values cannot fail.
    let bytes = Bytes::from(serde_json::to_vec(&shown).unwrap_or_default());
    Router::new().route("/api/layout", get(async move || json(bytes)))
}

fn history(layout: &Layout) -> HistoryShown<'_> {
    let tier = |size: &crate::history::TierSize| Tier {
        step_seconds: size.step_seconds,
        samples: size.samples,
    };
    HistoryShown {
        tables: layout.tables(),
        is_last_shared: layout.is_last_shared(),
        service_series: Layout::of_service().map(series).collect(),
        table_series: Layout::of_table().map(series).collect(),
        tiers: TIERS.iter().map(tier).collect(),
        duration_bounds_seconds: DURATION_BOUNDS.iter().map(Duration::as_secs_f64).collect(),
    }
}

fn series(kind: &SeriesKind) -> Series {
    let unit = match kind.unit {
        Unit::Bytes => "bytes",
        Unit::Count => "count",
        Unit::Seconds => "seconds",
        Unit::Stage => "stage",
    };
    let combine = match kind.combine {
        Combine::AtPeak => "at_peak",
        Combine::Last => "last",
        Combine::Max => "max",
        Combine::Sum => "sum",
    };
    Series { name: kind.name, unit, combine }
}
