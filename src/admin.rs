//! The HTTP server for operators: the probes of an orchestrator, and what shows the figures.
//!
//! Each file beside this one has the routes of one subject, made from the handles that [`Service`]
//! holds, and [`routes`] merges them. Figures come from [`Scrapes`].
//!
//! A second port can answer the probes alone, without TLS: an orchestrator has no certificate.

mod connections;
mod metrics;
mod probes;
mod scrapes;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::health::Health;
use crate::tls::Tls;
pub use scrapes::Scrapes;

/// The server. Its ports are bound, and it serves once it runs.
pub struct Admin {
    ports: AdminPorts,
    service: Service,
}

/// What the server shows.
#[derive(Clone)]
pub struct Service {
    /// The states.
    pub health: Arc<Health>,
    /// The snapshots.
    pub scrapes: Scrapes,
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
    pub fn new(ports: AdminPorts, service: Service) -> Self {
        Self { ports, service }
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
        let probes = probes::routes(Arc::clone(&self.service.health), leaving);
        let routes = routes(&self.service).merge(probes.clone());
        let AdminPorts { listener, tls, probe_listener } = self.ports;
        let all = connections::serve(listener, tls, routes);
        let Some(probe_listener) = probe_listener else { return all.await };
        tokio::select! {
            never = all => never,
            never = connections::serve(probe_listener, None, probes) => never,
        }
    }
}

/// All that is answered beside the probes.
fn routes(service: &Service) -> Router {
    metrics::routes(service.scrapes.clone())
}
