//! The composition root: builds every part from the configuration, connects the parts, and
//! runs and stops the service. No other module knows all parts.

mod counter_check;
mod draining;
mod listeners;
mod memory_governor;
mod open_files;
mod reclaim;
mod reserves;
mod snapshot;
mod table_limits;
mod threads;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::admin::Admin;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::health::Health;
use crate::ingest::{self, Ingest, TableSource};
pub use crate::ingest::{
    BrokerAddress, ConnectionReport, Sample, SampleEntry, SampleOutcome, TopicLog, TopicReport,
};
use crate::memory::{Accounts, Budget, BudgetError};
use crate::record::RankedBy;
use crate::rpc::{BytePool, Listener, Net, OperatorThreads, Reclaim, Rpc, Service};
use crate::stats::TakeSnapshot;
use crate::table::{Maintenance, Spec, Table};
use counter_check::CounterCheck;
use draining::{drain, stop_beside, until_true, while_served};
use listeners::listeners;
use memory_governor::{GovernorInputs, MemoryGovernor};
use reclaim::Reclaimer;
use snapshot::{MemoryReader, Readers, RpcReader, SnapshotReader};
use table_limits::TableLimits;
use threads::{Count, Threads};

/// Why a service could not be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The port is taken, or the process may not listen on it.
    #[error("{key}: cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The configuration key of the address.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The configuration asks for more memory than there is.
    #[error(transparent)]
    Memory(#[from] BudgetError),
    /// librdkafka refuses the configuration.
    #[error("librdkafka refuses the configuration: {0}; see kafka.properties")]
    Kafka(String),
    /// The system gives no thread or no socket, or the allocator no account.
    #[error("cannot start: {}{}", .0, cure(.0))]
    System(#[from] io::Error),
}

/// The system says that it gives no thread as if that were a fault of the moment.
fn cure(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::WouldBlock {
        "; the system gives no more threads: raise the container's limit of pids, or ulimit -u"
    } else {
        ""
    }
}

/// What a configuration comes to.
#[derive(Debug)]
pub struct Checked {
    /// How the memory is divided.
    pub budget: Budget,
    /// librdkafka's warnings about its settings.
    pub warnings: Vec<String>,
}

/// Checks everything about a configuration that needs neither a port nor a broker.
///
/// # Errors
///
/// When the memory does not suffice, librdkafka refuses a setting, or the system gives no threads
/// for a client.
pub fn check(config: &Config) -> Result<Checked, BuildError> {
    let budget = Budget::plan(config, reserves::needs(config))?;
    ingest::try_out_client_threads(config)?;
    let warnings = ingest::check_settings(config).map_err(BuildError::Kafka)?;
    Ok(Checked { budget, warnings })
}

/// Tries the brokers, the topics and the permissions, and the last `records` of each topic. The
/// report, or why no broker can be reached.
///
/// # Errors
///
/// When the allocator has no account left.
pub fn check_connection(
    config: &Config,
    budget: &Budget,
    records: usize,
) -> io::Result<Result<ConnectionReport, String>> {
    let accounts = Accounts::open(config.tables.iter().map(|table| table.name.as_str()))?;
    let sources = sources(config, &Clock::start(), budget, &accounts);
    Ok(ingest::check_connection(config, &sources, records))
}

/// A built service. Its threads read Kafka and its ports are bound; it answers calls once
/// [`App::run`] is called.
pub struct App {
    config: Config,
    rpc: Rpc,
    admin: Admin,
    core: Core,
    take_snapshot: TakeSnapshot,
    rpc_threads: Threads,
    admin_threads: Threads,
}

impl App {
    /// Binds the ports, then starts everything behind them.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(config: Config) -> Result<Self, BuildError> {
        let Checked { budget, warnings } = check(&config)?;
        for warning in warnings {
            tracing::warn!(warning, "librdkafka warns of its settings, see kafka.properties");
        }
        let accounts = Accounts::open(config.tables.iter().map(|table| table.name.as_str()))?;
        let sockets = Sockets::bind(&config, &accounts)?;
        let operator_threads = OperatorThreads::start(&accounts.rpc)?;
        budget.log();

        let pool = BytePool::new(config.rpc.pool.as_u64());
        let core = Core::start(&config, budget, &pool, &accounts)?;
        let governor = core.governor.state_reader();
        let memory = Arc::new(MemoryReader { accounts, governor });
        let max_connections = open_files::allowed_connections(config.rpc.max_connections);
        let rpc = config::Rpc { max_connections, ..config.rpc.clone() };
        let net = Net::new(rpc);
        let rpc = RpcReader { net: net.clone(), pool: pool.clone() };
        let readers = Readers { memory: Arc::clone(&memory), rpc };
        let take_snapshot = core.new_snapshot_handle(&config, readers);
        let ingest_stats = core.ingest.stats();
        let service = Service {
            tables: core.tables.clone(),
            table_configs: config.tables.clone(),
            health: Arc::clone(&core.health),
            pool,
            take_snapshot: Arc::clone(&take_snapshot),
            reclaim: core.reclaim(&config, memory, &sockets.rpc_threads),
            rejections: Arc::new(move || ingest_stats.rejections()),
            operator_threads,
        };
        Ok(Self {
            rpc: Rpc::new(sockets.rpc, net, service)?,
            admin: Admin::new(sockets.admin, Arc::clone(&core.health)),
            config,
            core,
            take_snapshot,
            rpc_threads: sockets.rpc_threads,
            admin_threads: sockets.admin_threads,
        })
    }

    /// The address of the gRPC server.
    ///
    /// # Errors
    ///
    /// When the system does not report it.
    pub fn rpc_addr(&self) -> io::Result<SocketAddr> {
        self.rpc.local_addr()
    }

    /// The address of the admin server.
    ///
    /// # Errors
    ///
    /// When the system does not report it.
    pub fn admin_addr(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// The handle to take snapshots with, also after the service has ended.
    pub fn snapshot_handle(&self) -> TakeSnapshot {
        Arc::clone(&self.take_snapshot)
    }

    /// Serves until `shutdown`, then drains: it reports not serving and answers for the configured
    /// delay, then finishes the calls that have begun, and closes the consumers. Returns within the
    /// configured deadline, whatever callers and brokers do.
    ///
    /// # Errors
    ///
    /// When a server ends before `shutdown`. In a debug build also when the counters do not
    /// balance, so that every test that runs a service checks them.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let (leave, leaving) = watch::channel(false);
        let (stop, stopping) = watch::channel(false);
        let net = self.rpc.net();
        let served = self.rpc.run(until_true(leaving.clone()), until_true(stopping));
        let mut rpc = self.rpc_threads.handle().spawn(served);
        let admin = self.admin_threads.handle().spawn(self.admin.run(leaving));
        while_served(&mut rpc, shutdown).await?;
        let config::Shutdown { delay, deadline } = self.config.shutdown;
        let end = Instant::now() + deadline;
        let _ = leave.send(true);
        while_served(&mut rpc, sleep(delay)).await?;
        let _ = stop.send(true);
        let Core { ingest, counter_check, .. } = self.core;
        let consumers = stop_beside(ingest);
        let is_drained = drain(rpc, consumers, end, &net).await?;
        admin.abort();
        // Only after a drain is it certain that nothing reads or writes any more.
        let counters = if is_drained { counter_check.final_check() } else { counter_check.check() };
        if cfg!(debug_assertions) && counters.mismatch_count > 0 {
            anyhow::bail!("the counters do not balance: the log has the figures, at level error");
        }
        Ok(())
    }
}

/// The parts behind the ports, running.
struct Core {
    tables: Vec<Arc<Table>>,
    health: Arc<Health>,
    ingest: Ingest,
    clock: Clock,
    counter_check: Arc<CounterCheck>,
    governor: MemoryGovernor,
    _maintenance: Maintenance,
}

impl Core {
    fn start(
        config: &Config,
        budget: Budget,
        pool: &BytePool,
        accounts: &Accounts,
    ) -> io::Result<Self> {
        let clock = Clock::start();
        let sources = sources(config, &clock, &budget, accounts);
        let tables: Vec<_> = sources.iter().map(|source| Arc::clone(&source.table)).collect();
        let names = tables.iter().map(|table| table.name().to_owned());
        let health = Health::new(names, config.ingest.threads);
        let maintenance = Maintenance::spawn(tables.clone(), &accounts.other)?;
        let ingest = Ingest::start(config, &clock, &sources, &health, &accounts.ingest)?;
        let ingest_stats = ingest.stats();
        let partitions = move || ingest_stats.partitions();
        let counter_check = Arc::new(CounterCheck::new(tables.clone(), partitions));
        let inputs = GovernorInputs {
            config: config.clone(),
            clock: clock.clone(),
            needs: reserves::needs(config),
            budget,
            pool: pool.clone(),
            table_limits: TableLimits::at_capacity(tables.clone()),
            pause_handle: ingest.pause_handle(),
            wake_handle: ingest.wake_handle(),
            counter_check: Arc::clone(&counter_check),
        };
        let governor = MemoryGovernor::spawn(inputs, &accounts.other)?;
        Ok(Self {
            tables,
            health,
            ingest,
            clock,
            counter_check,
            governor,
            _maintenance: maintenance,
        })
    }

    fn new_snapshot_handle(&self, config: &Config, readers: Readers) -> TakeSnapshot {
        let reader = SnapshotReader::new(
            config,
            self.clock.clone(),
            readers,
            Arc::clone(&self.health),
            self.tables.clone(),
            Arc::clone(&self.counter_check),
            self.ingest.stats(),
        );
        Arc::new(move || reader.read())
    }

    fn reclaim(
        &self,
        config: &Config,
        memory: Arc<MemoryReader>,
        rpc_threads: &Threads,
    ) -> Reclaim {
        let reclaimer = Reclaimer {
            memory,
            tables: self.tables.clone(),
            reserves: reserves::reserves(config),
            rpc_threads: rpc_threads.handles().to_vec(),
            one_at_a_time: Mutex::new(()),
        };
        Arc::new(move || reclaimer.reclaim())
    }
}

/// The bound ports, and the threads that serve them.
struct Sockets {
    rpc: Vec<Listener>,
    rpc_threads: Threads,
    admin: TcpListener,
    admin_threads: Threads,
}

impl Sockets {
    fn bind(config: &Config, accounts: &Accounts) -> Result<Self, BuildError> {
        let rpc_threads = Threads::start("rpc", &Count::AsManyAsCores, &accounts.rpc)?;
        // A thread apart, so that probes are answered under any load.
        let admin_threads = Threads::start("admin", &Count::One, &accounts.other)?;
        let rpc = bind("rpc.listen", config.rpc.listen, rpc_threads.handles())?;
        let admin = bind("admin.listen", config.admin.listen, admin_threads.handles())?;
        let rpc = rpc_threads.handles().iter().cloned().zip(rpc);
        Ok(Self {
            rpc: rpc.map(|(thread, socket)| Listener { thread, socket }).collect(),
            rpc_threads,
            admin: admin.into_iter().next().ok_or_else(|| io::Error::other("no thread"))?,
            admin_threads,
        })
    }
}

/// A listener for each of the threads that will serve the port.
fn bind(
    key: &'static str,
    address: SocketAddr,
    threads: &[Handle],
) -> Result<Vec<TcpListener>, BuildError> {
    let listen = |source| BuildError::Listen { key, address, source };
    let sockets = listeners(address, threads.len()).map_err(listen)?;
    let bound = threads.iter().zip(sockets).map(|(thread, socket)| {
        // A listener belongs to its runtime.
        let _entered = thread.enter();
        TcpListener::from_std(socket)
    });
    bound.collect::<io::Result<_>>().map_err(listen)
}

fn sources(
    config: &Config,
    clock: &Clock,
    budget: &Budget,
    accounts: &Accounts,
) -> Vec<TableSource> {
    let tables = config.tables.iter().zip(budget.capacities()).zip(accounts.tables());
    tables
        .map(|((config, &capacity_bytes), account)| {
            let spec = Spec {
                name: config.name.clone(),
                fields: config.fields.keys().map(|name| name.as_str().into()).collect(),
                ttl: config.life.ttl,
                ranked_by: match config.version {
                    Some(_) => RankedBy::Version,
                    None => RankedBy::Time,
                },
                capacity_bytes,
                store: config.store,
                account: account.clone(),
                clock: clock.clone(),
            };
            TableSource { table: Arc::new(Table::new(spec)), config: config.clone() }
        })
        .collect()
}
