//! The probes of an orchestrator: 200 for yes and 503 for no.
//!
//! `/livez` answers whether every poll loop turns, `/readyz` whether every table has caught up once
//! and the service is not about to stop. Below its first line `/readyz` has a line for each table,
//! and what an operator should know, such as why a table takes nothing. They read the states only,
//! so they are answered whatever the figures cost.

use std::iter;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::watch;

use crate::health::{Health, TableHealth};

type Response = (StatusCode, String);

/// The routes. The service is about to stop once `leaving` is true.
pub(super) fn routes(health: Arc<Health>, leaving: watch::Receiver<bool>) -> Router {
    let routes = Router::new().route("/livez", get(livez)).route("/readyz", get(readyz));
    routes.with_state(Observed { health, leaving })
}

/// What the probes ask about.
#[derive(Clone)]
struct Observed {
    health: Arc<Health>,
    leaving: watch::Receiver<bool>,
}

async fn livez(State(Observed { health, .. }): State<Observed>) -> Response {
    let stuck = health.stuck_threads().map(|thread| {
        format!("ingest thread {thread} has not turned for a minute: see its records in the log")
    });
    let stuck: Vec<_> = stuck.collect();
    response(stuck.is_empty(), "live", "a poll loop is stuck", stuck)
}

async fn readyz(State(Observed { health, leaving }): State<Observed>) -> Response {
    if *leaving.borrow() {
        return response(false, "", "stopping", []);
    }
    let tables = health.tables().map(state).collect::<Vec<_>>();
    response(health.is_ready(), "ready", "loading", tables.into_iter().chain(health.notes()))
}

fn state(table: &TableHealth) -> String {
    let state = if table.is_ready() { "ready" } else { "loading: it has not caught up yet" };
    format!("table {}: {state}", table.name())
}

fn response(holds: bool, yes: &str, no: &str, lines: impl IntoIterator<Item = String>) -> Response {
    let (code, state) =
        if holds { (StatusCode::OK, yes) } else { (StatusCode::SERVICE_UNAVAILABLE, no) };
    let lines: Vec<_> = iter::once(state.to_owned()).chain(lines).collect();
    (code, lines.join("\n") + "\n")
}
