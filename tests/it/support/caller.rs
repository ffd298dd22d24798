//! One who asks a running service, wherever it runs, and waits for what it says.
//!
//! It must not know how the service was started, nor what a test is about.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::stats_service_client::StatsServiceClient;
use millpond::proto::v1::{
    BatchGetRequest, BatchGetResponse, Entry, GetRequest, GetResponse, GetStatsRequest,
    GetStatsResponse, MissReason, get_response, value::Kind,
};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use super::service::{PATIENCE, polled};

/// A connection to a service, which is made when it is first used.
pub(crate) struct Caller {
    channel: Channel,
}

impl Caller {
    pub(crate) fn of(rpc: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{rpc}")).unwrap();
        Self { channel: endpoint.connect_lazy() }
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
