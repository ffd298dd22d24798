//! Starts millpond on a topic, and waits until it is ready.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use clap::Args;
use millpond_client::v1::stats_service_client::StatsServiceClient;
use millpond_client::v1::{GetStatsRequest, GetStatsResponse};
use tokio::time::timeout;

use crate::asking::{self, TABLE};

const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(5);

pub(crate) const TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Settings of millpond in addition to those of the run.
#[derive(Debug, Clone, Args)]
pub(crate) struct Own {
    /// Another setting of millpond, which overrides that of the run
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

pub(crate) fn settings(broker: &str, topic: &str, own: &Own) -> Vec<String> {
    let mut settings = vec![
        format!("kafka.brokers={broker}"),
        "memory.limit=4GiB".into(),
        "ingest.threads=2".into(),
        format!("tables.0.topic={topic}"),
        format!("tables.0.name={TABLE}"),
        "tables.0.key=/id".into(),
        "tables.0.fields.description=/description".into(),
        format!("tables.0.ttl={}s", TTL.as_secs()),
        "tables.0.capacity=1GiB".into(),
        "rpc.listen=127.0.0.1:0".into(),
        "admin.listen=127.0.0.1:0".into(),
    ];
    settings.extend_from_slice(&own.settings);
    settings
}

/// A name that no other run uses.
pub(crate) fn topic_name(promise: &str) -> String {
    format!("{promise}-{}", std::process::id())
}

/// Waits until it is ready, and returns its statistics at that moment.
pub(crate) async fn ready(rpc: &str) -> anyhow::Result<GetStatsResponse> {
    let mut client = StatsServiceClient::new(asking::channel(rpc)?);
    let start = Instant::now();
    loop {
        let stats = timeout(asking::SLOWEST_CALL, client.get_stats(GetStatsRequest {})).await??;
        let stats = stats.into_inner();
        if stats.ready {
            return Ok(stats);
        }
        ensure!(start.elapsed() < PATIENCE, "millpond is not ready after {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
