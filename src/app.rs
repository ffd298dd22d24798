//! The composition root: builds every part from the configuration, connects the parts, and
//! runs and stops the service. No other module knows all parts.

mod build_error;
mod counter_check;
mod draining;
mod export;
mod listeners;
mod memory_governor;
mod open_files;
mod process;
mod reclaim;
mod reserves;
mod shown;
mod snapshot;
mod sockets;
mod table_limits;
mod table_sources;
mod threads;
mod tls_of_ports;
mod trial;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::access::{self, Access, Exposure};
use crate::admin::{Admin, Scrapes};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::health::Health;
use crate::ingest::{self, Ingest};
pub use crate::ingest::{
    BrokerAddress, ConnectionReport, Sample, SampleEntry, SampleOutcome, TopicLog, TopicReport,
    TrialRecord, last_records,
};
use crate::memory::{Accounts, Budget};
use crate::rpc::{
    BytePool, Callers, Costs, ListRejections, Net, OperatorThreads, Reclaim, Rpc, Service,
};
use crate::stats::TakeSnapshot;
use crate::table::{Maintenance, Table};
use crate::telemetry::LogFilter;
use crate::threads::IdleThread;
use crate::tls::Rotation;
use crate::trace::Tracer;
pub use build_error::BuildError;
use counter_check::CounterCheck;
use draining::{drain, stop_beside, until_true, while_served};
use export::{PreparedExport, RunningExport};
use memory_governor::{GovernorInputs, MemoryGovernor};
use reclaim::Reclaimer;
use shown::shown;
use snapshot::{MemoryReader, Readers, RpcReader, SnapshotReader};
use sockets::Sockets;
use table_limits::TableLimits;
use table_sources::sources;
use threads::Threads;
use tls_of_ports::TlsOfPorts;
pub use trial::{EntryCost, ExpectedLoad, OutcomeCount, Projection, Trial, TrialSummary};

/// What a configuration comes to.
#[derive(Debug)]
pub struct Checked {
    /// The configuration, sized for the memory limit.
    pub config: Config,
    /// How the memory is divided.
    pub budget: Budget,
    /// librdkafka's warnings about its settings.
    pub warnings: Vec<String>,
    /// What the ports open to the network.
    pub exposure: Exposure,
}

/// Checks everything about a configuration that needs neither a port nor a broker.
///
/// # Errors
///
/// When the memory does not suffice, something is wrong with a certificate file, librdkafka refuses
/// a setting, or the system gives no threads for a client.
pub fn check(config: &Config) -> Result<Checked, BuildError> {
    let limit = Budget::current_limit(config)?;
    let config = config.sized_for(limit.bytes);
    let budget = Budget::plan_within(limit, &config, reserves::needs(&config))?;
    TlsOfPorts::load(&config)?;
    access::check(&config.rpc.access).map_err(BuildError::Access)?;
    ingest::try_out_client_threads(&config)?;
    let warnings = ingest::check_settings(&config).map_err(BuildError::Kafka)?;
    let exposure = Exposure::of(&config);
    Ok(Checked { config, budget, warnings, exposure })
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
    export: Option<RunningExport>,
    _rotation: Rotation,
}

impl App {
    /// Binds the ports, then starts everything behind them.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(config: &Config) -> Result<Self, BuildError> {
        let Checked { config, budget, warnings, exposure } = check(config)?;
        log_start(&config, &budget);
        log_findings(&warnings, &exposure);
        let accounts = Accounts::open(config.tables.iter().map(|table| table.name.as_str()))?;
        let tls = TlsOfPorts::load(&config)?;
        let callers = callers(&config, &accounts)?;
        let sockets = Sockets::bind(&config, &accounts)?;
        let export = PreparedExport::new(&config, &accounts.other)?;
        let rotation = Rotation::spawn(tls.all(), &accounts.other)?;
        let operator_threads = OperatorThreads::start(&accounts.rpc)?;
        let scrape_thread = IdleThread::start("scrapes", &accounts.other)?;

        let core = Core::start(&config, budget, &callers.pool, &accounts)?;
        let memory = core.memory_reader(accounts);
        let net = new_net(&config.rpc, &tls, export.as_ref().map(PreparedExport::tracer));
        let readers = readers(&memory, &net, &callers, &tls, export.as_ref());
        let take_snapshot = core.new_snapshot_handle(&config, readers);
        let service = Service {
            tables: core.tables.clone(),
            table_configs: config.tables.clone(),
            health: Arc::clone(&core.health),
            callers,
            take_snapshot: Arc::clone(&take_snapshot),
            reclaim: core.reclaim(&config, Arc::clone(&memory), &sockets.rpc_threads),
            rejections: core.rejections(),
            operator_threads,
        };
        let rpc = Rpc::new(sockets.rpc, net, service)?;
        let scrapes = Scrapes::new(Arc::clone(&take_snapshot), scrape_thread);
        let shown = shown(&config, &memory.accounts.other, &core.health, scrapes, rpc.gateway())?;
        Ok(Self {
            rpc,
            admin: Admin::new(sockets.admin.with(tls.admin), shown),
            export: export.map(|export| export.start(&config, Arc::clone(&take_snapshot))),
            config,
            core,
            take_snapshot,
            rpc_threads: sockets.rpc_threads,
            admin_threads: sockets.admin_threads,
            _rotation: rotation,
        })
    }

    /// The same service, in a process whose log has this filter: the admin port changes it.
    #[must_use]
    pub fn with_log_filter(mut self, filter: LogFilter) -> Self {
        self.admin = self.admin.with_log_filter(filter);
        self
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

    /// The address of the admin server's port for probes alone, if there is one.
    ///
    /// # Errors
    ///
    /// When the system does not report it.
    pub fn probe_addr(&self) -> io::Result<Option<SocketAddr>> {
        self.admin.probe_addr()
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
        if let Some(export) = self.export.filter(|_| is_drained) {
            export.stop().await;
        }
        admin.abort();
        // Only after a drain is it certain that nothing reads or writes any more.
        let counters = if is_drained { counter_check.final_check() } else { counter_check.check() };
        if cfg!(debug_assertions) && counters.mismatch_count > 0 {
            anyhow::bail!("the counters do not balance: the log has the figures, at level error");
        }
        Ok(())
    }
}

/// What runs, with which configuration, and how its memory is divided.
fn log_start(config: &Config, budget: &Budget) {
    let limit = budget.limit();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        digest = config.digest(),
        limit_bytes = limit.bytes,
        limit_source = %limit.source,
        budget = budget.in_one_line(),
        "starting"
    );
}

/// What an operator should know of the configuration.
fn log_findings(warnings: &[String], exposure: &Exposure) {
    for warning in warnings {
        tracing::warn!(warning, "librdkafka warns of its settings, see kafka.properties");
    }
    if let Some(no_policy) = exposure.no_policy {
        tracing::info!("{no_policy}");
    }
    for port in &exposure.plaintext {
        tracing::warn!("{port}");
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
        let health = Health::new(names, config.ingest.threads.get());
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

    fn memory_reader(&self, accounts: Accounts) -> Arc<MemoryReader> {
        Arc::new(MemoryReader { accounts, governor: self.governor.state_reader() })
    }

    fn rejections(&self) -> ListRejections {
        let stats = self.ingest.stats();
        Arc::new(move || stats.rejections())
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

fn callers(config: &Config, accounts: &Accounts) -> io::Result<Callers> {
    let tables = config.tables.iter().map(|table| table.name.clone());
    Ok(Callers {
        pool: BytePool::new(config.rpc.pool.get().as_u64()),
        access: Access::start(&config.rpc.access, &accounts.other)?,
        costs: Costs::new(tables),
    })
}

/// What reads the figures of the parts that are beside the data flow.
fn readers(
    memory: &Arc<MemoryReader>,
    net: &Net,
    callers: &Callers,
    tls: &TlsOfPorts,
    export: Option<&PreparedExport>,
) -> Readers {
    Readers {
        memory: Arc::clone(memory),
        rpc: RpcReader::new(net.clone(), callers.clone(), tls.rpc.clone()),
        admin_tls: tls.admin.clone(),
        export: export.map(PreparedExport::reader),
    }
}

/// With as many connections as the limit of open files allows.
fn new_net(config: &config::Rpc, tls: &TlsOfPorts, tracer: Option<Tracer>) -> Net {
    let max_connections = open_files::allowed_connections(config.max_connections.get());
    let max_connections = config::Fitted::Written(max_connections);
    Net::new(config::Rpc { max_connections, ..config.clone() }, tls.rpc.clone(), tracer)
}
