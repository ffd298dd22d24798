//! The HTTP server for operators: the probes of an orchestrator.
//!
//! `/livez` answers whether every poll loop turns, `/readyz` whether every table has caught up
//! once and the service is not about to stop: 200 for yes and 503 for no. Below its first line
//! `/readyz` lists what an operator should know, such as why a table takes nothing. It knows the
//! states only, not where they come from. Figures, such as metrics, would come from the
//! `stats::TakeSnapshot` that `app` makes and gives to `rpc` today.

mod connections;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::{io, iter};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::health::Health;

type Response = (StatusCode, String);

/// The server. Its port is bound, and it serves once it runs.
pub struct Admin {
    listener: TcpListener,
    health: Arc<Health>,
}

impl Admin {
    /// A server on a port that is already bound.
    pub fn new(listener: TcpListener, health: Arc<Health>) -> Self {
        Self { listener, health }
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// When the system does not know it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped, so probes are answered during the shutdown too. The service is
    /// about to stop once `leaving` is true.
    pub async fn run(self, leaving: watch::Receiver<bool>) -> Infallible {
        let state = Observed { health: self.health, leaving };
        let router = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .with_state(state);
        connections::serve(self.listener, router).await
    }
}

/// What the probes ask about.
#[derive(Clone)]
struct Observed {
    health: Arc<Health>,
    leaving: watch::Receiver<bool>,
}

async fn livez(State(Observed { health, .. }): State<Observed>) -> Response {
    response(health.is_live(), "live", "a poll loop is stuck", &[])
}

async fn readyz(State(Observed { health, leaving }): State<Observed>) -> Response {
    if *leaving.borrow() {
        return response(false, "", "stopping", &[]);
    }
    response(health.is_ready(), "ready", "loading", &health.notes())
}

fn response(holds: bool, yes: &str, no: &str, notes: &[String]) -> Response {
    let (code, state) =
        if holds { (StatusCode::OK, yes) } else { (StatusCode::SERVICE_UNAVAILABLE, no) };
    let lines: Vec<_> = iter::once(state).chain(notes.iter().map(String::as_str)).collect();
    (code, lines.join("\n") + "\n")
}
