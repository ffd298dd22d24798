//! The gRPC face: lookups, statistics, health and reflection on one port.
//!
//! Turns requests into questions to the tables and the snapshot, and answers them.
//! Knows nothing of the stream.

mod answer;
mod codec;
mod deadline;
mod demands;
mod errors;
mod health;
mod in_flight;
mod lookup;
mod miss;
mod positions;
mod question;
mod request;
mod stats;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_reflection::pb;

pub(crate) use codec::AnswerCodec;
pub use lookup::{MAX_ANSWER_BYTES, MAX_BATCH_KEYS};
pub use question::{BatchGetRequest, GetRequest};

use crate::health::Health;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::server::lookup_service_server::LookupServiceServer;
use crate::proto::server::stats_service_server::StatsServiceServer;
use crate::stats::{Reclaimed, Rejection, Snapshot};
use crate::table::Table;
use health::HealthTeller;
use in_flight::{InFlight, Leased};
use request::Tables;

/// A connection that is silent for this long is asked whether it is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls at once on one connection. Each takes some KiB beside its answer, also while it
/// waits for its turn, so there is a bound; a client keeps what is above it back by itself.
/// One thread serves a connection and is busy long before.
const MAX_CALLS_PER_CONNECTION: u32 = 256;

/// Takes one snapshot of the service.
pub type TakeSnapshot = Arc<dyn Fn() -> Snapshot + Send + Sync>;

/// Has everybody let go of the memory they can. Takes its time: not for a thread that
/// answers calls.
pub type Reclaim = Arc<dyn Fn() -> Reclaimed + Send + Sync>;

/// Lists the records that were rejected last, the newest first.
pub type ListRejections = Arc<dyn Fn() -> Vec<Rejection> + Send + Sync>;

/// What the calls are answered from.
pub struct Service {
    /// The tables, in the order of the configuration.
    pub tables: Vec<Arc<Table>>,
    /// Whether they have caught up.
    pub health: Arc<Health>,
    /// What lookups' answers on their way may take together, in bytes; at least
    /// [`MAX_ANSWER_BYTES`].
    pub in_flight_bytes: u64,
    /// For the statistics.
    pub snapshot: TakeSnapshot,
    /// For a reclaim.
    pub reclaim: Reclaim,
    /// For the list of rejections.
    pub rejections: ListRejections,
}

/// The server, its port bound and nothing answered yet.
pub struct Rpc {
    listener: TcpListener,
    service: Service,
}

impl Rpc {
    /// A server on a port that is already bound.
    pub fn new(listener: TcpListener, service: Service) -> Self {
        Self { listener, service }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown`, then says that it is not serving, takes no more
    /// connections and returns when the calls in flight are answered. A peer that
    /// keeps a connection half open can keep it from returning: put a deadline on it.
    ///
    /// # Errors
    ///
    /// When the transport fails or the descriptors for reflection do not decode.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Service { tables, health, in_flight_bytes, snapshot, reclaim, rejections } =
            self.service;
        let (teller, health_service) = HealthTeller::new(Arc::clone(&health)).await;
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let tables = Tables::new(tables);
        let (drain, draining) = watch::channel(false);
        let in_flight = InFlight::new(in_flight_bytes);
        let lookup = lookup::Lookup::new(tables.clone(), health, in_flight.clone(), draining);
        let stats = stats::Stats::new(tables, in_flight, snapshot, reclaim, rejections);
        let router = Server::builder()
            .max_concurrent_streams(MAX_CALLS_PER_CONNECTION)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .add_service(health_service)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .add_service(Leased(LookupServiceServer::new(lookup)))
            .add_service(Leased(StatsServiceServer::new(stats)));
        let stopping = async {
            teller.tell_until(shutdown).await;
            let _ = drain.send(true);
            tracing::info!("not serving, answering the calls in flight");
        };
        Ok(router.serve_with_incoming_shutdown(incoming, stopping).await?)
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // So that tools can show the details of an error.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        // Either version lists both.
        .register_encoded_file_descriptor_set(pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(pb::v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
}
