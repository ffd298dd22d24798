//! The HTTP server for operators: the probes of an orchestrator, the figures, the dashboard.
//!
//! ```text
//! connections -> probes
//!             -> guard -> api, pages, lookups, ... <- Scrapes <- snapshots
//!                                         <- History, Gateway, LogFilter, Profile
//! ```
//!
//! Each file beside this one has the routes of one subject, made from the handles that [`Service`]
//! holds, and `routes` merges them. What shows keys or values goes through the methods of the gRPC
//! port, and needs the rights that they need. What changes the process needs a token.
//!
//! A second port can answer the probes alone, without TLS: an orchestrator has no certificate.

mod answers;
mod api;
mod body;
mod connections;
mod effective_config;
mod guard;
mod hosts;
mod log_route;
mod lookups;
mod messages;
mod method_caller;
mod metrics;
mod pages;
mod probes;
mod profiles;
mod sampling;
mod scrapes;
mod service;
mod token;

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config;
use crate::history::History;
use crate::profile;
use crate::telemetry::LogFilter;
use crate::tls::Tls;
use answers::{ANSWER_BYTES, Answers};
use hosts::Hosts;
pub use messages::JsonMessages;
use method_caller::MethodCaller;
pub use scrapes::Scrapes;
pub use service::Service;
use token::ChangeToken;

/// The server. Its ports are bound, and it serves once it runs.
pub struct Admin {
    ports: AdminPorts,
    service: Service,
}

/// The most that the history, the answers and the profiles of a service with so many tables take, in
/// bytes.
pub fn bytes(config: &config::Admin, tables: usize) -> u64 {
    let history_bytes = if config.history { History::bytes(tables) } else { 0 };
    // Without a token nobody can take a profile.
    let profile_bytes = if config.token_file.is_some() { profile::BYTES } else { 0 };
    let lookup_bytes = if config.lookups { lookups::JSON_BYTES } else { 0 };
    history_bytes + profile_bytes + lookup_bytes + ANSWER_BYTES as u64
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
        let Self { ports: AdminPorts { listener, tls, probe_listener }, service } = self;
        let probes = probes::routes(Arc::clone(&service.health), leaving);
        let sampling = sampling::sample(service.scrapes.clone(), service.history.clone());
        let all = connections::serve(listener, tls, routes(&service).merge(probes.clone()));
        let probing = async {
            match probe_listener {
                Some(listener) => connections::serve(listener, None, probes).await,
                None => pending().await,
            }
        };
        tokio::select! {
            never = all => never,
            never = probing => never,
            never = sampling => never,
        }
    }

    /// The same server for a process whose log has this filter.
    #[must_use]
    pub fn with_log_filter(mut self, filter: LogFilter) -> Self {
        self.service.log_filter = Some(filter);
        self
    }
}

/// All that is answered beside the probes.
fn routes(service: &Service) -> Router {
    let token = ChangeToken(service.config.token_file.clone());
    let (answers, account) = (Answers::new(), service.account.clone());
    let caller =
        MethodCaller::new(service.gateway.clone(), service.messages.clone(), answers.clone());
    let routes = Router::new()
        .merge(pages::routes())
        .merge(metrics::routes(service.scrapes.clone()))
        .merge(api::routes(service, &caller, &answers))
        .merge(lookups::routes(service.config.lookups, caller))
        .merge(effective_config::routes(Arc::clone(&service.effective_config)))
        .merge(log_route::routes(service.log_filter.clone(), token.clone()))
        .merge(profiles::routes(token, account, answers));
    guard::guarded(routes, Hosts::new(&service.config.hosts))
}
