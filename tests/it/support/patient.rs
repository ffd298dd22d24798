//! Waits for what takes long on a machine that is busy with other things.

use std::time::{Duration, Instant};

use millpond::proto::v1::GetStatsResponse;

use super::caller::{Caller, PATIENCE};

/// Waits until `holds` is true of the statistics, five times as long as other tests wait.
pub(crate) async fn wait_long_for(
    caller: &Caller,
    what: &str,
    holds: impl Fn(&GetStatsResponse) -> bool,
) -> GetStatsResponse {
    let start = Instant::now();
    loop {
        let stats = caller.stats().await;
        if holds(&stats) {
            return stats;
        }
        assert!(start.elapsed() < 5 * PATIENCE, "waited in vain for {what}: {stats:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
