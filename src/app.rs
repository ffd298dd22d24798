//! The one place that knows every part: configuration in, a running service out.

mod books;
mod memory_governor;
mod reclaim;
mod snapshot;
mod table_limits;
mod threads;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::admin::Admin;
use crate::config::Config;
use crate::health::Health;
use crate::ingest::{self, Ingest, TableSource};
use crate::memory::{Accounts, Budget, Needs, OverBudget};
use crate::rpc::{Rpc, Service, TakeSnapshot};
use crate::table::{MIN_CAPACITY_BYTES, Maintenance, Spec, Table};
use books::Books;
use memory_governor::{GovernorInputs, MemoryGovernor};
use table_limits::TableLimits;
use threads::{Count, Threads};

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
    let budget = Budget::plan(config, needs(config))?;
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
    books: Arc<Books>,
    _governor: MemoryGovernor,
    _maintenance: Maintenance,
    rpc_threads: Threads,
    admin_threads: Threads,
}

impl App {
    /// Binds the ports, then starts everything behind them.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let budget = check(&config)?;
        let accounts = Accounts::open(config.tables.iter().map(|table| table.name.as_str()))?;
        let sockets = Sockets::bind(&config, &accounts).await?;
        budget.log();

        let sources = sources(&config, &budget, &accounts);
        let tables: Vec<_> = sources.iter().map(|source| Arc::clone(&source.table)).collect();
        let names = tables.iter().map(|table| table.name().to_owned());
        let health = Health::new(names, config.ingest.threads);
        let maintenance = Maintenance::spawn(tables.clone(), &accounts.other)?;
        let ingest = Ingest::start(&config, &sources, &health, &accounts.ingest)?;
        let books = Arc::new(Books::new(tables.clone(), ingest.reader()));
        let inputs = inputs(&config, budget, &tables, &books, &ingest);
        let governor = MemoryGovernor::spawn(inputs, &accounts.other)?;

        let rpc_threads = sockets.rpc_threads.handle();
        let parts = snapshot::Parts { config: &config, accounts, rpc_threads };
        let (snapshot, reclaim) = parts.readers(&governor, &health, &tables, &books, &ingest);
        let service = Service {
            tables,
            health: Arc::clone(&health),
            in_flight_bytes: config.rpc.buffer.as_u64(),
            snapshot: Arc::clone(&snapshot),
            reclaim,
            rejections: Arc::new(ingest.rejections_reader()),
        };
        Ok(Self {
            rpc: Rpc::new(sockets.rpc, service),
            admin: Admin::new(sockets.admin, health),
            config,
            ingest,
            snapshot,
            books,
            _governor: governor,
            _maintenance: maintenance,
            rpc_threads: sockets.rpc_threads,
            admin_threads: sockets.admin_threads,
        })
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
    /// When a server ends before it was asked to; and in a debug build when the books did not
    /// balance, so that every test that runs a service checks them.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let (stop, stopping) = watch::channel(false);
        let mut rpc = self.rpc_threads.handle().spawn(self.rpc.run(until_true(stopping)));
        let admin = self.admin_threads.handle().spawn(self.admin.run());
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
        let is_drained = drain(rpc, consumers, self.config.shutdown.deadline).await?;
        admin.abort();
        // After a drain nobody reads or writes any more.
        let books = if is_drained { self.books.close() } else { self.books.check() };
        if cfg!(debug_assertions) && books.mismatch_count > 0 {
            anyhow::bail!("the books do not balance: the log has the figures, at the level error");
        }
        Ok(())
    }
}

/// Whether both ended within the deadline.
async fn drain(
    rpc: JoinHandle<anyhow::Result<()>>,
    consumers: JoinHandle<()>,
    deadline: std::time::Duration,
) -> anyhow::Result<bool> {
    let drained = timeout(deadline, async { tokio::join!(rpc, consumers) });
    if let Ok((served, closed)) = drained.await {
        served??;
        closed?;
        tracing::info!("drained");
        Ok(true)
    } else {
        tracing::warn!("the shutdown deadline is over, leaving without the rest");
        Ok(false)
    }
}

async fn until_true(mut value: watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the service.
    let _ = value.wait_for(|value| *value).await;
}

/// The ports, bound, and the threads that they are served on.
struct Sockets {
    rpc: TcpListener,
    rpc_threads: Threads,
    admin: TcpListener,
    admin_threads: Threads,
}

impl Sockets {
    async fn bind(config: &Config, accounts: &Accounts) -> Result<Self, BuildError> {
        let rpc_threads = Threads::start("rpc", &Count::AsManyAsCores, &accounts.rpc)?;
        // Of its own, so that probes are answered whatever the load.
        let admin_threads = Threads::start("admin", &Count::One, &accounts.other)?;
        Ok(Self {
            rpc: bind(&rpc_threads, "rpc.listen", config.rpc.listen).await?,
            rpc_threads,
            admin: bind(&admin_threads, "admin.listen", config.admin.listen).await?,
            admin_threads,
        })
    }
}

/// A listener belongs to the threads that it is bound on.
async fn bind(
    threads: &Threads,
    key: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, BuildError> {
    let listen = |source| BuildError::Listen { key, address, source };
    let bound = threads.handle().spawn(TcpListener::bind(address)).await;
    bound.map_err(|failed| listen(io::Error::other(failed)))?.map_err(listen)
}

fn needs(config: &Config) -> Needs {
    let scratch = ingest::scratch_at_worst(config);
    Needs {
        kafka_bytes: ingest::queue_bytes_at_worst(config),
        large_document_bytes: scratch.large_document_bytes,
        small_bytes: scratch.small_bytes,
        smallest_table_bytes: MIN_CAPACITY_BYTES,
    }
}

fn inputs(
    config: &Config,
    budget: Budget,
    tables: &[Arc<Table>],
    books: &Arc<Books>,
    ingest: &Ingest,
) -> GovernorInputs {
    GovernorInputs {
        config: config.clone(),
        needs: needs(config),
        budget,
        levels: TableLimits::at_capacity(tables.to_vec()),
        pause_handle: ingest.pause_handle(),
        books: Arc::clone(books),
    }
}

fn sources(config: &Config, budget: &Budget, accounts: &Accounts) -> Vec<TableSource> {
    let tables = config.tables.iter().zip(budget.capacities()).zip(accounts.tables());
    tables
        .map(|((source, &capacity_bytes), account)| {
            let spec = Spec {
                name: source.name.clone(),
                fields: source.fields.keys().map(|name| name.as_str().into()).collect(),
                ttl: source.ttl,
                capacity_bytes,
                store: source.store,
                account: account.clone(),
            };
            TableSource { table: Arc::new(Table::new(spec)), source: source.clone() }
        })
        .collect()
}
