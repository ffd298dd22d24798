//! The gRPC server: lookups, statistics, health and reflection on one port.
//!
//! ```text
//! headers -> access -> request -> byte pool -> authorisation -> validation -> positions,
//!   freshness -> lookup -> response -> transport
//! ```
//!
//! It reads the tables, their health, and a snapshot of the service. It does not know the stream.
//! Connections and streams have caps, and what callers make it hold beyond that takes a part of the
//! byte pool. So callers, however slow or many, cannot fill the memory.

mod authorization;
mod body;
mod call;
mod call_counters;
mod callers;
mod convert;
mod costs;
mod counted_method;
mod deadline;
mod descriptions;
mod errors;
mod field_mask;
mod fresh_tables;
mod freshness;
mod gateway;
mod health;
mod lookup;
mod lookup_intake;
mod lookup_request;
mod lookup_response;
mod lookup_stream;
mod maintenance;
mod methods;
mod net;
mod operator_threads;
mod page;
mod pool;
mod positions;
mod request;
mod response;
mod scan;
mod served_by_tonic;
mod snapshots;
mod stats;
mod streamed;
mod table_watch;
mod texts;
mod unary;
mod validation;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tonic_reflection::pb;

pub use callers::Callers;
pub use costs::Costs;
pub use gateway::{CallError, Gateway, Origin};
pub use lookup_request::MAX_BATCH_KEYS;
pub use maintenance::{ListRejections, Reclaim};
pub use net::{CONNECTION_BYTES, Net, STREAM_BYTES, UnfinishedCall};
pub use operator_threads::OperatorThreads;
pub use pool::{BytePool, ConnectionShare, FREE_BYTES};

use crate::config;
use crate::health::Health;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::stats::TakeSnapshot;
use crate::table::Table;
use crate::tls::TLS_CONNECTION_BYTES;
use descriptions::TableDescriptions;
use fresh_tables::FreshTables;
use health::{HealthPublisher, HealthServer};
use lookup::{Lookup, MAX_RESPONSE_BYTES};
use maintenance::Maintenance;
use methods::Methods;
use pool::Purpose;
use scan::Walks;
use snapshots::Snapshots;
use stats::Stats;
use unary::{Dispatch, Front};
use validation::Tables;
use worker::Worker;

/// The data that calls are answered from.
pub struct Service {
    /// The tables, in the order of the configuration.
    pub tables: Vec<Arc<Table>>,
    /// How they are configured, in the same order.
    pub table_configs: Vec<config::Table>,
    /// Whether the tables are ready, and how fresh they are.
    pub health: Arc<Health>,
    /// What callers may hold and do, and what they cost.
    pub callers: Callers,
    /// For the statistics.
    pub take_snapshot: TakeSnapshot,
    /// For a reclaim.
    pub reclaim: Reclaim,
    /// For the list of rejections.
    pub rejections: ListRejections,
    /// The threads for operators' calls that take long.
    pub operator_threads: OperatorThreads,
}

/// A listener on the server's port, and the thread that serves its connections.
pub struct Listener {
    /// The thread, which the socket belongs to.
    pub thread: Handle,
    /// The socket.
    pub socket: TcpListener,
}

/// The server. Its port is bound, and it serves once it runs.
pub struct Rpc {
    listeners: Vec<Listener>,
    net: Net,
    publisher: HealthPublisher,
    dispatch: Dispatch,
    /// Ends the calls that wait.
    drain: watch::Sender<bool>,
}

impl Rpc {
    /// A server on a port that is already bound, by one listener or several.
    ///
    /// # Errors
    ///
    /// When the descriptors for reflection do not decode.
    pub fn new(listeners: Vec<Listener>, net: Net, service: Service) -> io::Result<Self> {
        let publisher = HealthPublisher::new(Arc::clone(&service.health));
        let health_service = HealthServer(publisher.published());
        let (drain, draining) = watch::channel(false);
        let routes = reflection_routes().map_err(io::Error::other)?;
        let routes = routes.add_service(health_service).prepare();
        let callers = service.callers.clone();
        let methods = Arc::new(service.methods(draining.clone()));
        let request_timeout = net.request_timeout();
        let front = Front { methods, routes, callers, request_timeout, draining };
        let dispatch = Dispatch::new(front);
        Ok(Self { listeners, net, publisher, dispatch, drain })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// When the system does not know it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let first = self.listeners.first().ok_or(io::ErrorKind::NotConnected)?;
        first.socket.local_addr()
    }

    /// Its methods, for calls that come another way than by gRPC.
    pub fn gateway(&self) -> Gateway {
        self.dispatch.gateway()
    }

    /// What it has open, also after it has ended.
    pub fn net(&self) -> Net {
        self.net.clone()
    }

    /// Serves. From `leaving` on it reports `NOT_SERVING`. From `stopping` on it accepts no more
    /// connections, and returns when the calls in progress are answered. A call can take as long as
    /// its caller wants, so put a deadline on it.
    ///
    /// # Errors
    ///
    /// When a thread stops accepting by itself.
    pub async fn run(
        self,
        leaving: impl Future<Output = ()>,
        stopping: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let Self { listeners, net, publisher, dispatch, drain } = self;
        let (stop, is_stopping) = watch::channel(false);
        let mut accepting = JoinSet::new();
        for Listener { thread, socket } in listeners {
            let accept = net.clone().accept(socket, dispatch.clone(), is_stopping.clone());
            accepting.spawn_on(accept, &thread);
        }
        let stopping = async {
            publisher.run(leaving).await;
            tracing::info!("not serving");
            stopping.await;
        };
        tokio::select! {
            () = stopping => {}
            Some(ended) = accepting.join_next() => return Ok(ended?),
        }
        tracing::info!("accepting no more, answering the calls in progress");
        let _ = stop.send(true);
        while let Some(ended) = accepting.join_next().await {
            ended?;
        }
        let _ = drain.send(true);
        net.close_all().await;
        Ok(())
    }
}

impl Service {
    /// Our methods. Calls that wait end when `draining` is true.
    fn methods(self, draining: watch::Receiver<bool>) -> Methods {
        let tables = FreshTables::new(Tables::new(self.tables), self.health, draining);
        let descriptions = TableDescriptions::new(&self.table_configs);
        let max_batch_bytes =
            MAX_RESPONSE_BYTES.min(self.callers.pool.connection_bytes(Purpose::Answer));
        let lookup = Lookup::new(tables.clone(), descriptions, max_batch_bytes);
        let OperatorThreads { statistics, reclaim, walk } = self.operator_threads;
        let stats = Stats::new(Snapshots::new(self.take_snapshot, statistics));
        let (reclaims, walks) = (Worker::new("reclaim", reclaim), Worker::new("walk", walk));
        let walks = Arc::new(walks);
        let scans = Walks::new(Arc::clone(&walks));
        let maintenance =
            Maintenance::new(tables.clone(), self.reclaim, self.rejections, reclaims, walks);
        Methods { lookup, stats, maintenance, tables, walks: scans }
    }
}

/// The most that connections take, in bytes.
pub fn connections_bytes(config: &config::Rpc) -> u64 {
    let tls_bytes = config.tls.as_ref().map_or(0, |_| TLS_CONNECTION_BYTES);
    config.max_connections.get() as u64 * (CONNECTION_BYTES + tls_bytes)
}

/// The most that calls take, in bytes: each with a request or a response that takes nothing of the
/// byte pool.
pub fn streams_bytes(config: &config::Rpc) -> u64 {
    config.max_streams.get() as u64 * (STREAM_BYTES + FREE_BYTES as u64)
}

fn reflection_routes() -> anyhow::Result<Routes> {
    let v1 = reflection().build_v1()?;
    Ok(Routes::new(v1).add_service(reflection().build_v1alpha()?))
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
