//! The HTTP face for those who run the service: probes.
//!
//! `/livez` says whether the poll loops turn, `/readyz` whether every table has
//! caught up once. 200 means yes and 503 no.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::health::Health;

type Answer = (StatusCode, &'static str);

/// The server, its port bound and nothing answered yet.
pub struct Admin {
    listener: TcpListener,
    health: Arc<Health>,
}

impl Admin {
    /// A server on a port that is already bound.
    pub fn new(listener: TcpListener, health: Arc<Health>) -> Self {
        Self { listener, health }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped: probes are answered to the last.
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

async fn livez(State(health): State<Arc<Health>>) -> Answer {
    answer(health.is_live(), "live\n", "a poll loop is stuck\n")
}

async fn readyz(State(health): State<Arc<Health>>) -> Answer {
    answer(health.is_ready(), "ready\n", "loading\n")
}

fn answer(holds: bool, yes: &'static str, no: &'static str) -> Answer {
    if holds { (StatusCode::OK, yes) } else { (StatusCode::SERVICE_UNAVAILABLE, no) }
}
