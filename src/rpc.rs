//! The gRPC server: lookups, statistics, health and reflection on one port.
//!
//! ```text
//! request -> validation -> positions, freshness -> lookup -> response -> transport
//! ```
//!
//! It reads the tables, their health, and a snapshot of the service. It does not know the stream.
//! A response of more than 4 KiB takes a part of a byte budget, and connections and streams have
//! caps, so that callers, however slow or many, cannot fill the memory.

mod codec;
mod convert;
mod deadline;
mod descriptions;
mod errors;
mod field_mask;
mod fresh_tables;
mod freshness;
mod health;
mod lookup;
mod lookup_request;
mod lookup_response;
mod maintenance;
mod net;
mod page;
mod positions;
mod response;
mod snapshots;
mod stats;
mod texts;
mod validation;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic_reflection::pb;

pub(crate) use codec::ResponseCodec;
pub use lookup::MAX_RESPONSE_BYTES;
pub use lookup_request::{BatchGetRequest, GetRequest, MAX_BATCH_KEYS};
pub use maintenance::{ListRejections, Reclaim};
pub use net::{CLOSE_REASONS, CloseReason, Net, NetStats, UnfinishedCall};

use crate::config;
use crate::health::Health;
use crate::heap::Account;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::server::lookup_service_server::LookupServiceServer;
use crate::proto::server::maintenance_service_server::MaintenanceServiceServer;
use crate::proto::server::stats_service_server::StatsServiceServer;
use crate::stats::TakeSnapshot;
use crate::table::Table;
use descriptions::TableDescriptions;
use fresh_tables::FreshTables;
use health::{HealthPublisher, HealthServer};
use response::{BufferedResponses, ResponseBudget};
use snapshots::Snapshots;
use validation::Tables;

/// The data that calls are answered from.
pub struct Service {
    /// The tables, in the order of the configuration.
    pub tables: Vec<Arc<Table>>,
    /// How they are configured, in the same order.
    pub table_configs: Vec<config::Table>,
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
    /// The account of the threads for operators' calls that take long.
    pub account: Account,
}

/// The server. Its port is bound, and it serves once it runs.
pub struct Rpc {
    listener: TcpListener,
    net: Net,
    service: Service,
}

impl Rpc {
    /// A server on a port that is already bound.
    pub fn new(listener: TcpListener, config: config::Rpc, service: Service) -> Self {
        Self { listener, net: Net::new(config), service }
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// When the system does not know it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What it has open, also after it has ended.
    pub fn net(&self) -> Net {
        self.net.clone()
    }

    /// Serves until `shutdown`. Then reports `NOT_SERVING`, accepts no more connections, and
    /// returns when the calls in progress are answered. A call can take as long as its caller
    /// wants, so put a deadline on it.
    ///
    /// # Errors
    ///
    /// When the descriptors for reflection do not decode.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let publisher = HealthPublisher::new(Arc::clone(&self.service.health));
        let health_service = HealthServer(publisher.published());
        let (drain, draining) = watch::channel(false);
        let routes = self.service.routes(draining)?.add_service(health_service).prepare();
        let (stop, stopping) = watch::channel(false);
        let mut accepting = tokio::spawn(self.net.clone().accept(self.listener, routes, stopping));
        tokio::select! {
            () = publisher.run(shutdown) => {}
            ended = &mut accepting => return Ok(ended?),
        }
        tracing::info!("not serving, answering the calls in progress");
        let _ = stop.send(true);
        accepting.await?;
        let _ = drain.send(true);
        self.net.close_all().await;
        Ok(())
    }
}

impl Service {
    /// The services by their paths. Calls that wait end when `draining` is true.
    fn routes(self, draining: watch::Receiver<bool>) -> anyhow::Result<Routes> {
        let tables = FreshTables::new(Tables::new(self.tables), self.health, draining);
        let budget = ResponseBudget::new(self.response_buffer_bytes);
        let descriptions = TableDescriptions::new(&self.table_configs);
        let lookup = lookup::Lookup::new(tables.clone(), descriptions, budget.clone());
        let snapshots = Snapshots::spawn(self.take_snapshot, &self.account)?;
        let stats = stats::Stats::new(budget.clone(), snapshots);
        let (reclaim, rejections) = (self.reclaim, self.rejections);
        let maintenance =
            maintenance::Maintenance::new(tables, budget, reclaim, rejections, &self.account)?;
        Ok(Routes::default()
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .add_service(BufferedResponses(LookupServiceServer::new(lookup)))
            .add_service(BufferedResponses(StatsServiceServer::new(stats)))
            .add_service(BufferedResponses(MaintenanceServiceServer::new(maintenance))))
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        // Lets tools show the details of an error.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        // Each version of reflection lists both versions.
        .register_encoded_file_descriptor_set(pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(pb::v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
}
