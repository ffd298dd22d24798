//! The HTTP server for operators: the probes of an orchestrator.
//!
//! `/livez` answers whether every poll loop turns, `/readyz` whether every table has caught up
//! once: 200 for yes and 503 for no. Below its first line `/readyz` lists what an operator should know,
//! such as why a table takes nothing. It knows the states only, not where they come from. Figures, such
//! as metrics, would come from the `stats::TakeSnapshot` that `app` makes and gives to `rpc` today.

use std::net::SocketAddr;
use std::sync::Arc;
use std::{io, iter};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

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

    /// Serves until it is dropped, so probes are answered during the shutdown too.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn run(self) -> io::Result<()> {
        let router = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .with_state(self.health);
        axum::serve(self.listener, router).await
    }
}

async fn livez(State(health): State<Arc<Health>>) -> Response {
    response(health.is_live(), "live", "a poll loop is stuck", &[])
}

async fn readyz(State(health): State<Arc<Health>>) -> Response {
    response(health.is_ready(), "ready", "loading", &health.notes())
}

fn response(holds: bool, yes: &str, no: &str, notes: &[String]) -> Response {
    let (code, state) =
        if holds { (StatusCode::OK, yes) } else { (StatusCode::SERVICE_UNAVAILABLE, no) };
    let lines: Vec<_> = iter::once(state).chain(notes.iter().map(String::as_str)).collect();
    (code, lines.join("\n") + "\n")
}
