//! Waits until a table has reached the positions that a call names.
//!
//! A service that writes to the stream reads its own writes that way: it names the offsets that
//! its producer was told. The order of the partitions does not matter, as all have to be reached.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tonic::Status;

use super::errors;
use crate::health::{Health, Progress, TableHealth};
use crate::proto::v1::PartitionOffset;

/// The longest wait, even if the call has no deadline. Stated in the protocol.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(30);

/// How often a call that waits for an unknown partition asks for a look at the topic.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Lets calls wait for positions. Clones share it.
#[derive(Clone)]
pub(super) struct PositionWaiter {
    health: Arc<Health>,
    draining: watch::Receiver<bool>,
}

impl PositionWaiter {
    /// When `draining` becomes true all waits end, because no record is read any more.
    pub(super) fn new(health: Arc<Health>, draining: watch::Receiver<bool>) -> Self {
        Self { health, draining }
    }

    /// Returns when the table of this name has handled the record at each of the positions.
    pub(super) async fn wait_for(
        &self,
        name: &str,
        min_positions: &[PartitionOffset],
        wait_end: Instant,
    ) -> Result<(), Status> {
        let Some(table) = self.health.table(name) else { return Ok(()) };
        let mut draining = self.draining.clone();
        let reached = async {
            tokio::select! {
                biased;
                () = reach_all(table, min_positions) => Ok(()),
                _ = draining.wait_for(|draining| *draining) => Err(errors::draining()),
            }
        };
        let in_time = timeout_at(wait_end, reached).await;
        in_time.unwrap_or_else(|_| {
            Err(errors::positions_not_reached(name, &behind(table, min_positions)))
        })
    }
}

async fn reach_all(table: &TableHealth, min_positions: &[PartitionOffset]) {
    for &PartitionOffset { partition, offset } in min_positions {
        progress(table, partition).await.wait_until_handled(offset).await;
    }
}

/// The progress in a partition. The topic may have grown since it was looked at, so this asks for
/// looks until one finds the partition.
async fn progress(table: &TableHealth, partition: i32) -> Arc<Progress> {
    loop {
        let added = table.partition_added();
        if let Some(progress) = table.progress(partition) {
            return progress;
        }
        table.request_look();
        // Once in the interval, one more look is asked for.
        let _ = timeout(LOOK_INTERVAL, added).await;
    }
}

/// The partitions that are behind, each with its position if the table reads it.
fn behind(table: &TableHealth, min_positions: &[PartitionOffset]) -> Vec<(i32, Option<i64>)> {
    let progress = |wanted: &PartitionOffset| (*wanted, table.progress(wanted.partition));
    let behind = min_positions.iter().map(progress).filter(|(wanted, progress)| {
        !progress.as_ref().is_some_and(|progress| progress.has_handled(wanted.offset))
    });
    let position = |progress: Arc<Progress>| progress.next_offset();
    behind.map(|(wanted, progress)| (wanted.partition, progress.map(position))).collect()
}
