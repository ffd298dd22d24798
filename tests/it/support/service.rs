//! A whole service in this process, on free ports.
//!
//! Owns starting and stopping the service, and reading its statistics. Knows nothing of the tests.

use std::net::SocketAddr;
use std::ops::Deref;

use millpond::app::App;
use millpond::config::Config;
use millpond::proto::v1::{GetStatsResponse, PartitionStats, RecordOutcome, RejectReason};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::broker::{Broker, Topic};
use super::caller::Caller;
pub(crate) use super::caller::{PATIENCE, polled};

/// A running service. Its table is `services`, unless a test configures other tables.
pub(crate) struct Service {
    pub(crate) rpc: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// The port for probes alone, if it is configured.
    pub(crate) probes: Option<SocketAddr>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
    caller: Caller,
}

/// The settings of the table with number `index`, fed by `topic`.
pub(crate) fn table(index: usize, name: &str, topic: &str) -> Vec<String> {
    [
        ("name", name),
        ("topic", topic),
        ("key", "/id"),
        ("fields.description", "/description"),
        ("ttl", "1h"),
        ("capacity", "16MiB"),
    ]
    .map(|(key, value)| format!("tables.{index}.{key}={value}"))
    .into()
}

impl Service {
    /// Starts a service with one table, fed by `topic`. `settings` override the defaults.
    pub(crate) async fn start(broker: &Broker, topic: &Topic, settings: &[&str]) -> Self {
        let mut all = table(0, "services", &topic.name);
        all.extend(settings.iter().map(ToString::to_string));
        Self::start_with(&broker.bootstrap(), &all).await
    }

    /// Starts the same service, and waits until it has caught up.
    pub(crate) async fn ready(broker: &Broker, topic: &Topic, settings: &[&str]) -> Self {
        let service = Self::start(broker, topic, settings).await;
        service.wait_until_ready().await;
        service
    }

    /// Starts a service with exactly these settings, on free ports.
    #[expect(clippy::unused_async, reason = "as the other ways to start one, which wait")]
    pub(crate) async fn start_with(bootstrap: &str, settings: &[String]) -> Self {
        let config = Config::load(None, [], &with_basics(bootstrap, settings)).expect("settings");
        let app = App::build(&config).expect("a service");
        let (rpc, admin) = (app.rpc_addr().unwrap(), app.admin_addr().unwrap());
        let probes = app.probe_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(async move {
            let _ = stopped.await;
        }));
        Self { rpc, admin, probes, stop, running, caller: Caller::of(rpc) }
    }

    /// Stops the service and waits for its end, which must be without an error.
    pub(crate) async fn stop(self) {
        drop(self.caller);
        let _ = self.stop.send(());
        self.running.await.unwrap().expect("the service should end without an error");
    }

    /// Asks the service to stop. The handle completes when it has ended.
    pub(crate) fn ask_to_stop(self) -> JoinHandle<anyhow::Result<()>> {
        let _ = self.stop.send(());
        self.running
    }
}

impl Deref for Service {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// `settings`, and before them those that every test service has.
pub(crate) fn with_basics(bootstrap: &str, settings: &[String]) -> Vec<String> {
    let basics = [
        format!("kafka.brokers={bootstrap}"),
        "ingest.threads=2".into(),
        "memory.limit=1GiB".into(),
        "rpc.listen=127.0.0.1:0".into(),
        "admin.listen=127.0.0.1:0".into(),
    ];
    basics.into_iter().chain(settings.iter().cloned()).collect()
}

/// The number of records with this outcome, over all partitions.
pub(crate) fn outcome(stats: &GetStatsResponse, outcome: RecordOutcome) -> i64 {
    let records = stats.partitions.iter().flat_map(|partition| &partition.records);
    records.filter(|record| record.outcome() == outcome).map(|record| record.count).sum()
}

/// The number of records rejected for `reason`, over all partitions.
pub(crate) fn rejected(stats: &GetStatsResponse, reason: RejectReason) -> i64 {
    let all = stats.partitions.iter().flat_map(|partition| &partition.rejections);
    all.filter(|rejection| rejection.reason() == reason).map(|rejection| rejection.count).sum()
}

/// Asserts that the counters of records and of entries add up, and that the service found no
/// mismatch itself.
pub(crate) fn assert_counters_add_up(stats: &GetStatsResponse) {
    assert_eq!(stats.counter_check.unwrap().mismatch_count, 0, "{stats:?}");
    stats.partitions.iter().for_each(assert_partition_balances);
    for table in &stats.tables {
        let gone: i64 = table.removals.iter().map(|removal| removal.count).sum();
        assert_eq!(table.stored_count - gone, table.entry_count, "{table:?}");
        assert!(table.weight_bytes <= table.capacity_bytes, "{table:?}");
    }
}

fn assert_partition_balances(partition: &PartitionStats) {
    let records: i64 = partition.records.iter().map(|record| record.count).sum();
    assert_eq!(records, partition.polled_count, "{partition:?}");
    let rejections: i64 = partition.rejections.iter().map(|rejection| rejection.count).sum();
    let rejected =
        |record: &&millpond::proto::v1::RecordCount| record.outcome() == RecordOutcome::Rejected;
    let rejected: i64 = partition.records.iter().filter(rejected).map(|record| record.count).sum();
    assert_eq!(rejections, rejected, "{partition:?}");
}
