//! A client of a running service that looks up entries and waits for statistics.
//!
//! Knows nothing of how the service was started, nor of the tests.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use millpond_client::AuthorizedChannel;
use millpond_client::Client;
use millpond_client::v1::{
    BatchGetRequest, BatchGetResponse, Entry, GetRequest, GetResponse, GetStatsRequest,
    GetStatsResponse, MissReason, lookup_result::Outcome, value::Kind,
};
use tonic::Status;

/// For a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a service, made at the first call. A call that fails ends the test.
pub struct Caller(Client);

impl Caller {
    /// A client of the service at `rpc`.
    pub fn of(rpc: SocketAddr) -> Self {
        Self(Client::connect_lazy(&format!("http://{rpc}"), PATIENCE).unwrap())
    }

    /// The connection, for other calls.
    pub fn channel(&self) -> AuthorizedChannel {
        self.0.channel()
    }

    /// Looks up one key.
    pub async fn try_get(&self, table: &str, key: &str) -> Result<GetResponse, Status> {
        let request = GetRequest { table: table.into(), key: key.into(), ..Default::default() };
        Ok(self.0.lookup().get(request).await?.into_inner())
    }

    /// Looks up several keys.
    pub async fn try_batch(
        &self,
        table: &str,
        keys: Vec<String>,
    ) -> Result<BatchGetResponse, Status> {
        let request = BatchGetRequest { table: table.into(), keys, ..Default::default() };
        Ok(self.0.lookup().batch_get(request).await?.into_inner())
    }

    /// The entry of the table `services` under `key`.
    pub async fn entry(&self, key: &str) -> Option<Entry> {
        match self.outcome(key).await {
            Outcome::Entry(entry) => Some(entry),
            Outcome::Miss(_) => None,
        }
    }

    /// The miss of the table `services` for `key`.
    pub async fn miss(&self, key: &str) -> MissReason {
        match self.outcome(key).await {
            Outcome::Entry(entry) => panic!("expected a miss, found {entry:?}"),
            Outcome::Miss(miss) => miss.reason(),
        }
    }

    async fn outcome(&self, key: &str) -> Outcome {
        outcome(self.try_get("services", key).await.unwrap()).unwrap()
    }

    /// The text of the field `description` under `key`.
    pub async fn description(&self, key: &str) -> Option<String> {
        match self.entry(key).await?.fields.remove("description")?.kind? {
            Kind::StringValue(text) => Some(text),
            other => panic!("expected text, found {other:?}"),
        }
    }

    /// The current statistics.
    pub async fn stats(&self) -> GetStatsResponse {
        self.0.stats().get_stats(GetStatsRequest {}).await.unwrap().into_inner()
    }

    /// Waits until all tables have caught up once.
    pub async fn wait_until_ready(&self) {
        self.wait_for("readiness", |stats| stats.ready).await;
    }

    /// Waits until this many records were handled, over all partitions.
    pub async fn wait_until_polled(&self, records: u64) -> GetStatsResponse {
        self.wait_for("records", |stats| polled(stats) >= records).await
    }

    /// Waits until `holds` is true of the statistics. `what` names the condition in messages.
    pub async fn wait_for(
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

/// Whether a lookup of one key found an entry.
pub fn is_hit(response: &GetResponse) -> bool {
    let outcome = response.result.as_ref().and_then(|result| result.outcome.as_ref());
    matches!(outcome, Some(Outcome::Entry(_)))
}

/// The outcome of a lookup of one key.
pub fn outcome(response: GetResponse) -> Option<Outcome> {
    response.result?.outcome
}

/// The number of records handled, over all partitions.
pub fn polled(stats: &GetStatsResponse) -> u64 {
    let polled: i64 = stats.partitions.iter().map(|partition| partition.polled_count).sum();
    polled.cast_unsigned()
}
