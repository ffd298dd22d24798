//! A whole service in this process, on ports of its own, and how to ask it.
//!
//! Owns starting, asking, waiting and stopping. It must not know what a test is about.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use millpond::app::App;
use millpond::config::Config;
use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::stats_service_client::StatsServiceClient;
use millpond::proto::v1::{
    BatchGetRequest, BatchGetResponse, Entry, GetRequest, GetResponse, GetStatsRequest,
    GetStatsResponse, MissReason, PartitionStats, RecordOutcome, RejectReason, get_response,
    value::Kind,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use super::broker::{Broker, Topic};

/// For a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running service with a table `services`, unless a test sets it otherwise.
pub(crate) struct Service {
    pub(crate) rpc: SocketAddr,
    pub(crate) admin: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
    channel: Channel,
}

/// Settings of one table that is fed by `topic`, number `index` of its service.
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
    /// A service whose one table is fed by `topic`; `settings` go over the defaults.
    pub(crate) async fn start(broker: &Broker, topic: &Topic, settings: &[&str]) -> Self {
        let mut all = table(0, "services", &topic.name);
        all.extend(settings.iter().map(ToString::to_string));
        Self::start_with(&broker.bootstrap(), &all).await
    }

    /// The same, once it has caught up.
    pub(crate) async fn ready(broker: &Broker, topic: &Topic, settings: &[&str]) -> Self {
        let service = Self::start(broker, topic, settings).await;
        service.wait_until_ready().await;
        service
    }

    /// A service of exactly these settings but for the ports, which are its own.
    pub(crate) async fn start_with(bootstrap: &str, settings: &[String]) -> Self {
        let config = Config::load(None, [], &with_basics(bootstrap, settings)).expect("settings");
        let app = App::build(config).await.expect("a service");
        let (rpc, admin) = (app.rpc_addr().unwrap(), app.admin_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(async move {
            let _ = stopped.await;
        }));
        let endpoint = Endpoint::from_shared(format!("http://{rpc}")).unwrap();
        Self { rpc, admin, stop, running, channel: endpoint.connect_lazy() }
    }

    /// Stops it and waits for its end, which has to be a good one.
    pub(crate) async fn stop(self) {
        drop(self.channel);
        let _ = self.stop.send(());
        self.running.await.unwrap().expect("a service ends well");
    }

    /// Asks it to stop; its end.
    pub(crate) fn ask_to_stop(self) -> JoinHandle<anyhow::Result<()>> {
        let _ = self.stop.send(());
        self.running
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) async fn try_get(&self, table: &str, key: &str) -> Result<GetResponse, Status> {
        let request = GetRequest { table: table.into(), key: key.into(), ..Default::default() };
        Ok(LookupServiceClient::new(self.channel()).get(request).await?.into_inner())
    }

    pub(crate) async fn try_batch(
        &self,
        table: &str,
        keys: Vec<String>,
    ) -> Result<BatchGetResponse, Status> {
        let request = BatchGetRequest { table: table.into(), keys, ..Default::default() };
        Ok(LookupServiceClient::new(self.channel()).batch_get(request).await?.into_inner())
    }

    /// What the table `services` has under `key`.
    pub(crate) async fn entry(&self, key: &str) -> Option<Entry> {
        match self.try_get("services", key).await.unwrap().outcome.unwrap() {
            get_response::Outcome::Entry(entry) => Some(entry),
            get_response::Outcome::Miss(_) => None,
        }
    }

    /// Why the table `services` has nothing under `key`.
    pub(crate) async fn miss(&self, key: &str) -> MissReason {
        match self.try_get("services", key).await.unwrap().outcome.unwrap() {
            get_response::Outcome::Entry(entry) => panic!("there is {entry:?}"),
            get_response::Outcome::Miss(miss) => miss.reason(),
        }
    }

    /// The text of the field `description` under `key`.
    pub(crate) async fn description(&self, key: &str) -> Option<String> {
        match self.entry(key).await?.fields.remove("description")?.kind? {
            Kind::StringValue(text) => Some(text),
            other => panic!("expected text, found {other:?}"),
        }
    }

    pub(crate) async fn stats(&self) -> GetStatsResponse {
        let mut client = StatsServiceClient::new(self.channel());
        client.get_stats(GetStatsRequest {}).await.unwrap().into_inner()
    }

    pub(crate) async fn wait_until_ready(&self) {
        self.wait_for("readiness", |stats| stats.ready).await;
    }

    /// Waits until so many records were handled, over all partitions.
    pub(crate) async fn wait_until_polled(&self, records: u64) -> GetStatsResponse {
        self.wait_for("records", |stats| polled(stats) >= records).await
    }

    pub(crate) async fn wait_for(
        &self,
        what: &str,
        holds: impl Fn(&GetStatsResponse) -> bool,
    ) -> GetStatsResponse {
        let start = Instant::now();
        loop {
            let stats = self.stats().await;
            if holds(&stats) {
                return stats;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}: {stats:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Settings that every test service has.
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

/// Records handled, over all partitions.
pub(crate) fn polled(stats: &GetStatsResponse) -> u64 {
    stats.partitions.iter().map(|partition| partition.polled_count).sum()
}

/// Records that came to `outcome`, over all partitions.
pub(crate) fn outcome(stats: &GetStatsResponse, outcome: RecordOutcome) -> u64 {
    let records = stats.partitions.iter().flat_map(|partition| &partition.records);
    records.filter(|record| record.outcome() == outcome).map(|record| record.count).sum()
}

/// Records rejected for `reason`, over all partitions.
pub(crate) fn rejected(stats: &GetStatsResponse, reason: RejectReason) -> u64 {
    let all = stats.partitions.iter().flat_map(|partition| &partition.rejections);
    all.filter(|rejection| rejection.reason() == reason).map(|rejection| rejection.count).sum()
}

/// Both books, as anyone can check them from outside.
pub(crate) fn assert_books_balance(stats: &GetStatsResponse) {
    stats.partitions.iter().for_each(assert_partition_balances);
    for table in &stats.tables {
        let gone: u64 = table.removals.iter().map(|removal| removal.count).sum();
        assert_eq!(table.stored_count - gone, table.entry_count, "{table:?}");
        assert!(table.weight_bytes <= table.capacity_bytes, "{table:?}");
    }
}

fn assert_partition_balances(partition: &PartitionStats) {
    let records: u64 = partition.records.iter().map(|record| record.count).sum();
    assert_eq!(records, partition.polled_count, "{partition:?}");
    let rejections: u64 = partition.rejections.iter().map(|rejection| rejection.count).sum();
    let rejected =
        |record: &&millpond::proto::v1::RecordCount| record.outcome() == RecordOutcome::Rejected;
    let rejected: u64 = partition.records.iter().filter(rejected).map(|record| record.count).sum();
    assert_eq!(rejections, rejected, "{partition:?}");
}
