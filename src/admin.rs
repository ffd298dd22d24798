//! The HTTP server for operators: the probes of an orchestrator.
//!
//! `/livez` answers whether every poll loop turns, `/readyz` whether every table has caught up
//! once and the service is not about to stop: 200 for yes and 503 for no. Below its first line
//! `/readyz` lists what an operator should know, such as why a table takes nothing. It knows the
//! states only, not where they come from. Figures, such as metrics, would come from the
//! `stats::TakeSnapshot` that `app` makes and gives to `rpc` today.
//!
//! A second port can answer the probes alone, without TLS: an orchestrator has no certificate.

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
use crate::tls::Tls;

type Response = (StatusCode, String);

/// The server. Its ports are bound, and it serves once it runs.
pub struct Admin {
    ports: AdminPorts,
    health: Arc<Health>,
}

/// The ports of the server.
pub struct AdminPorts {
    /// For all that it answers.
    pub listener: TcpListener,
    /// Its TLS, if it has any.
    pub tls: Option<Tls>,
    /// A port for probes alone, in plaintext.
    pub probe_listener: Option<TcpListener>,
}

impl Admin {
    /// A server on ports that are already bound.
    pub fn new(ports: AdminPorts, health: Arc<Health>) -> Self {
        Self { ports, health }
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// When the system does not know it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.ports.listener.local_addr()
    }

    /// The address of the port for probes alone, if there is one.
    ///
    /// # Errors
    ///
    /// When the system does not know it.
    pub fn probe_addr(&self) -> io::Result<Option<SocketAddr>> {
        self.ports.probe_listener.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Serves until it is dropped, so probes are answered during the shutdown too. The service is
    /// about to stop once `leaving` is true.
    pub async fn run(self, leaving: watch::Receiver<bool>) -> Infallible {
        let state = Observed { health: self.health, leaving };
        let AdminPorts { listener, tls, probe_listener } = self.ports;
        let probes = probes().with_state(state);
        let all = connections::serve(listener, tls, probes.clone());
        let Some(probe_listener) = probe_listener else { return all.await };
        tokio::select! {
            never = all => never,
            never = connections::serve(probe_listener, None, probes) => never,
        }
    }
}

/// What an orchestrator asks.
fn probes() -> Router<Observed> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz))
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
