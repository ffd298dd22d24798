//! The statistics of a running millpond.

use std::time::{Duration, Instant};

use anyhow::ensure;
use millpond_client::v1::stats_service_client::StatsServiceClient;
use millpond_client::v1::{GetStatsRequest, GetStatsResponse};

const PATIENCE: Duration = Duration::from_secs(300);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Waits until `holds` is true of the statistics.
pub(crate) fn wait_for(
    rpc: &str,
    holds: impl Fn(&GetStatsResponse) -> bool,
) -> anyhow::Result<GetStatsResponse> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut client = StatsServiceClient::connect(format!("http://{rpc}")).await?;
        let start = Instant::now();
        loop {
            let stats = client.get_stats(GetStatsRequest {}).await?.into_inner();
            if holds(&stats) {
                return Ok(stats);
            }
            ensure!(start.elapsed() < PATIENCE, "timed out waiting for {rpc}: {stats:?}");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    })
}

pub(crate) fn now(rpc: &str) -> anyhow::Result<GetStatsResponse> {
    wait_for(rpc, |_| true)
}
