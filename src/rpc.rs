//! The gRPC face: lookups, statistics, health and reflection on one port.
//!
//! Turns requests into questions to the tables and the snapshot, and answers them.
//! Knows nothing of the stream.

mod answer;
mod codec;
mod errors;
mod health;
mod in_flight;
mod lookup;
mod stats;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_reflection::pb;

pub use answer::AnswerEntry;
pub(crate) use codec::AnswerCodec;
pub use lookup::{MAX_ANSWER_BYTES, MAX_BATCH_KEYS};

use crate::health::Health;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::server::lookup_service_server::LookupServiceServer;
use crate::proto::server::stats_service_server::StatsServiceServer;
use crate::stats::Snapshot;
use crate::table::Table;
use health::HealthTeller;
use in_flight::{InFlight, Leased};

/// A connection that is silent for this long is asked whether it is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls at once on one connection. Each takes some KiB beside its answer, also while it
/// waits for its turn, so there is a bound; a client keeps what is above it back by itself.
/// One thread serves a connection and is busy long before.
const MAX_CALLS_PER_CONNECTION: u32 = 256;

/// Takes one snapshot of the service.
pub type TakeSnapshot = Arc<dyn Fn() -> Snapshot + Send + Sync>;

/// The server, its port bound and nothing answered yet.
pub struct Rpc {
    listener: TcpListener,
    tables: Vec<Arc<Table>>,
    health: Arc<Health>,
    snapshot: TakeSnapshot,
    in_flight_bytes: u64,
}

impl Rpc {
    /// A server on a port that is already bound. Lookups' answers on their way take no
    /// more than `in_flight_bytes` together, so these are to be at least [`MAX_ANSWER_BYTES`].
    pub fn new(
        listener: TcpListener,
        tables: Vec<Arc<Table>>,
        health: Arc<Health>,
        snapshot: TakeSnapshot,
        in_flight_bytes: u64,
    ) -> Self {
        Self { listener, tables, health, snapshot, in_flight_bytes }
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
        let (teller, health_service) = HealthTeller::new(Arc::clone(&self.health)).await;
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let in_flight = InFlight::new(self.in_flight_bytes);
        let lookup = lookup::Lookup::new(self.tables, self.health, in_flight);
        let router = Server::builder()
            .max_concurrent_streams(MAX_CALLS_PER_CONNECTION)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .add_service(health_service)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .add_service(Leased(LookupServiceServer::new(lookup)))
            .add_service(StatsServiceServer::new(stats::Stats::new(self.snapshot)));
        let stopping = async {
            teller.tell_until(shutdown).await;
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
