//! The gRPC server: lookups, statistics, health and reflection on one port.
//!
//! ```text
//! request -> validation -> positions, freshness -> lookup -> response -> transport
//! ```
//!
//! It reads the tables, their health, and a snapshot of the service. It does not know the stream.
//! A response of more than 4 KiB takes a part of a byte budget, so that callers, however slow or
//! many, cannot fill the memory.

mod codec;
mod convert;
mod deadline;
mod errors;
mod freshness;
mod health;
mod lookup;
mod lookup_request;
mod lookup_response;
mod positions;
mod response;
mod stats;
mod validation;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_reflection::pb;

pub(crate) use codec::ResponseCodec;
pub use lookup::MAX_RESPONSE_BYTES;
pub use lookup_request::{BatchGetRequest, GetRequest, MAX_BATCH_KEYS};
pub use stats::{ListRejections, Reclaim};

use crate::health::Health;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::server::lookup_service_server::LookupServiceServer;
use crate::proto::server::stats_service_server::StatsServiceServer;
use crate::stats::TakeSnapshot;
use crate::table::Table;
use health::HealthPublisher;
use response::{BufferedResponses, ResponseBudget};
use validation::Tables;

/// A connection that is silent for this long gets a ping. It is closed if no answer comes in time.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls at once on one connection. Each takes some KiB beside its response, so their number is
/// bounded. A client holds further calls back by itself. The bound costs no throughput: the one
/// thread that serves a connection is busy with fewer calls.
const MAX_CALLS_PER_CONNECTION: u32 = 256;

/// The data that calls are answered from.
pub struct Service {
    /// The tables, in the order of the configuration.
    pub tables: Vec<Arc<Table>>,
    /// Whether the tables are ready, and how fresh they are.
    pub health: Arc<Health>,
    /// What responses of more than 4 KiB may hold together until their callers have read them, in
    /// bytes; at least [`MAX_RESPONSE_BYTES`].
    pub response_buffer_bytes: u64,
    /// For the statistics.
    pub take_snapshot: TakeSnapshot,
    /// For a reclaim.
    pub reclaim: Reclaim,
    /// For the list of rejections.
    pub rejections: ListRejections,
}

/// The server. Its port is bound, and it serves once it runs.
pub struct Rpc {
    listener: TcpListener,
    service: Service,
}

impl Rpc {
    /// A server on a port that is already bound.
    pub fn new(listener: TcpListener, service: Service) -> Self {
        Self { listener, service }
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// When the system does not know it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown`. Then reports `NOT_SERVING`, accepts no more connections, and
    /// returns when the calls in progress are answered. A peer that keeps a connection half open
    /// can prevent that, so put a deadline on it.
    ///
    /// # Errors
    ///
    /// When the transport fails or the descriptors for reflection do not decode.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Service { tables, health, response_buffer_bytes, take_snapshot, reclaim, rejections } =
            self.service;
        let (publisher, health_service) = HealthPublisher::new(Arc::clone(&health)).await;
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let tables = Tables::new(tables);
        let (drain, draining) = watch::channel(false);
        let budget = ResponseBudget::new(response_buffer_bytes);
        let lookup = lookup::Lookup::new(tables.clone(), health, budget.clone(), draining);
        let stats = stats::Stats::new(tables, budget, take_snapshot, reclaim, rejections);
        let router = Server::builder()
            .max_concurrent_streams(MAX_CALLS_PER_CONNECTION)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .add_service(health_service)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .add_service(BufferedResponses(LookupServiceServer::new(lookup)))
            .add_service(BufferedResponses(StatsServiceServer::new(stats)));
        let stopping = async {
            publisher.run(shutdown).await;
            let _ = drain.send(true);
            tracing::info!("not serving, answering the calls in progress");
        };
        Ok(router.serve_with_incoming_shutdown(incoming, stopping).await?)
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // Lets tools show the details of an error.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        // Each version of reflection lists both versions.
        .register_encoded_file_descriptor_set(pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(pb::v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
}
