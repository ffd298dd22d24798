//! The one place that knows every part: configuration in, a running service out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::admin::Admin;
use crate::config::Config;
use crate::health::Health;
use crate::ingest::{self, Feed, Ingest};
use crate::memory::{self, Budget, Needs, OverBudget};
use crate::record::Timestamp;
use crate::rpc::{Rpc, TakeSnapshot};
use crate::stats::Snapshot;
use crate::table::{MIN_CAPACITY_BYTES, Maintenance, Spec, Table};

/// Why a service could not be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A port is taken, or not ours to take.
    #[error("{key}: cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The configuration key of the address.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The memory that the configuration asks for is not there.
    #[error(transparent)]
    Memory(#[from] OverBudget),
    /// librdkafka refuses the configuration.
    #[error("kafka: librdkafka refuses the configuration: {0}; see kafka.properties")]
    Kafka(String),
    /// The system gives no thread or no socket.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Does everything with a configuration that needs neither a port nor a broker.
///
/// # Errors
///
/// When the memory does not suffice or librdkafka refuses a setting.
pub fn check(config: &Config) -> Result<Budget, BuildError> {
    let budget = budget(config)?;
    ingest::create_client(config).map_err(|error| BuildError::Kafka(error.to_string()))?;
    Ok(budget)
}

/// A service that ingests and listens, and answers as soon as it is run.
pub struct App {
    config: Config,
    rpc: Rpc,
    admin: Admin,
    ingest: Ingest,
    snapshot: TakeSnapshot,
    _maintenance: Maintenance,
}

impl App {
    /// Binds the ports, then starts everything behind them.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let budget = check(&config)?;
        let rpc_listener = bind("rpc.listen", config.rpc.listen).await?;
        let admin_listener = bind("admin.listen", config.admin.listen).await?;
        budget.log();

        let feeds = feeds(&config, &budget);
        let tables: Vec<_> = feeds.iter().map(|feed| Arc::clone(&feed.table)).collect();
        let names = tables.iter().map(|table| table.name().to_owned());
        let health = Health::new(names, config.ingest.threads);
        let maintenance = Maintenance::spawn(tables.clone())?;
        let ingest = Ingest::start(&config, &feeds, &health)?;
        let snapshot = snapshot(&config, &budget, &health, &tables, &ingest);

        let in_flight_bytes = config.rpc.in_flight.as_u64();
        let (for_rpc, shown) = (Arc::clone(&health), Arc::clone(&snapshot));
        let rpc = Rpc::new(rpc_listener, tables, for_rpc, shown, in_flight_bytes);
        let admin = Admin::new(admin_listener, health);
        Ok(Self { config, rpc, admin, ingest, snapshot, _maintenance: maintenance })
    }

    /// Where the gRPC server listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn rpc_addr(&self) -> io::Result<SocketAddr> {
        self.rpc.local_addr()
    }

    /// Where the admin server listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn admin_addr(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Takes snapshots, also when the service has ended.
    pub fn snapshots(&self) -> TakeSnapshot {
        Arc::clone(&self.snapshot)
    }

    /// Serves until `shutdown`, then drains: not serving, calls in flight are
    /// answered, consumers close. Returns within the configured deadline whatever
    /// callers and brokers do.
    ///
    /// # Errors
    ///
    /// When a server ends before it was asked to.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let (stop, stopping) = watch::channel(false);
        let mut rpc = tokio::spawn(self.rpc.run(until_true(stopping)));
        let admin = tokio::spawn(self.admin.run());
        tokio::select! {
            () = shutdown => {}
            ended = &mut rpc => {
                ended??;
                anyhow::bail!("the gRPC server ended by itself");
            }
        }
        let _ = stop.send(true);
        let ingest = self.ingest;
        let consumers = tokio::task::spawn_blocking(move || ingest.stop());
        let drained =
            timeout(self.config.shutdown.deadline, async { tokio::join!(rpc, consumers) });
        if let Ok((served, closed)) = drained.await {
            served??;
            closed?;
            tracing::info!("drained");
        } else {
            tracing::warn!("the shutdown deadline is over, leaving without the rest");
        }
        admin.abort();
        Ok(())
    }
}

async fn until_true(mut value: watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the service.
    let _ = value.wait_for(|value| *value).await;
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, BuildError> {
    let listen = |source| BuildError::Listen { key, address, source };
    TcpListener::bind(address).await.map_err(listen)
}

fn budget(config: &Config) -> Result<Budget, OverBudget> {
    let scratch = ingest::scratch_at_worst(config);
    let needs = Needs {
        kafka_bytes: ingest::queue_bytes_at_worst(config),
        giant_bytes: scratch.giant_bytes,
        small_bytes: scratch.small_bytes,
        smallest_table_bytes: MIN_CAPACITY_BYTES,
    };
    Budget::plan(config, needs)
}

fn feeds(config: &Config, budget: &Budget) -> Vec<Feed> {
    let feed = |(source, &capacity_bytes): (&crate::config::Table, &u64)| {
        let spec = Spec {
            name: source.name.clone(),
            fields: source.fields.keys().map(|name| name.as_str().into()).collect(),
            ttl: source.ttl,
            capacity_bytes,
            account: crate::heap::Account::open().unwrap(),
        };
        Feed { table: Arc::new(Table::new(spec)), source: source.clone() }
    };
    config.tables.iter().zip(budget.capacities()).map(feed).collect()
}

fn snapshot(
    config: &Config,
    budget: &Budget,
    health: &Arc<Health>,
    tables: &[Arc<Table>],
    ingest: &Ingest,
) -> TakeSnapshot {
    let (started, clock) = (Timestamp::now(), Instant::now());
    let (config_digest, limit_bytes) = (config.digest(), budget.limit().bytes);
    let (health, tables) = (Arc::clone(health), tables.to_vec());
    let partitions = ingest.reader();
    Arc::new(move || Snapshot {
        started,
        uptime: clock.elapsed(),
        config_digest: config_digest.clone(),
        librdkafka_version: ingest::librdkafka_version(),
        ready: health.is_ready(),
        rss_bytes: memory::rss_bytes(),
        limit_bytes,
        tables: tables.iter().map(|table| table.stats()).collect(),
        partitions: partitions(),
    })
}
