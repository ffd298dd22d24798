//! Waiting until a table has handled what a caller knows to be in the stream, so that a
//! service reads its own writes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic_types::FieldViolation;

use super::errors;
use crate::health::{Health, Progress, TableHealth};
use crate::proto::server::PartitionOffset;

/// The longest wait, also of a call without a deadline. Stated in the protocol.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(30);

/// Most offsets in one call. Stated in the protocol.
pub(super) const MAX_POSITIONS: usize = 1_000;

/// Which of the offsets make no sense by themselves.
pub(super) fn violations(
    wanted: &[PartitionOffset],
) -> impl Iterator<Item = Option<FieldViolation>> {
    let too_many = (wanted.len() > MAX_POSITIONS).then(|| {
        let rule = format!("must be at most {MAX_POSITIONS}, and there are more");
        FieldViolation::new("min_positions", rule)
    });
    let negative = |(index, wanted): (usize, &PartitionOffset)| {
        (wanted.offset < 0).then(|| {
            let field = format!("min_positions[{index}].offset");
            FieldViolation::new(field, "must not be negative")
        })
    };
    std::iter::once(too_many).chain(wanted.iter().enumerate().map(negative))
}

/// The waits of all calls.
pub(super) struct Positions {
    health: Arc<Health>,
    draining: watch::Receiver<bool>,
}

impl Positions {
    /// Waits end when `draining` is true: nothing is read any more then.
    pub(super) fn new(health: Arc<Health>, draining: watch::Receiver<bool>) -> Self {
        Self { health, draining }
    }

    /// Returns once the table of that name has handled all the `wanted` offsets.
    pub(super) async fn reach(
        &self,
        name: &str,
        wanted: &[PartitionOffset],
        until: Instant,
    ) -> Result<(), Status> {
        let Some(table) = self.health.table(name) else { return Ok(()) };
        let mut draining = self.draining.clone();
        let reached = async {
            tokio::select! {
                biased;
                reached = self.handles_all(table, wanted) => reached,
                _ = draining.wait_for(|draining| *draining) => Err(errors::draining()),
            }
        };
        let timely = timeout_at(until, reached).await;
        timely.unwrap_or_else(|_| Err(errors::positions_not_reached(name, &missed(table, wanted))))
    }

    async fn handles_all(
        &self,
        table: &TableHealth,
        wanted: &[PartitionOffset],
    ) -> Result<(), Status> {
        for (index, &PartitionOffset { partition, offset }) in wanted.iter().enumerate() {
            let Some(progress) = self.progress(table, partition).await else {
                let field = format!("min_positions[{index}].partition");
                let rule = format!("{partition} is none that table {:?} reads", table.name());
                return Err(errors::invalid_request(vec![FieldViolation::new(field, rule)]));
            };
            progress.handles(offset).await;
        }
        Ok(())
    }

    /// The progress in a partition; none where the table does not read it. Which it reads is
    /// known for sure when it is ready.
    async fn progress(&self, table: &TableHealth, partition: i32) -> Option<Arc<Progress>> {
        let mut told = self.health.watch_ready();
        loop {
            told.mark_unchanged();
            let is_ready = table.is_ready();
            let progress = table.progress(partition);
            if progress.is_some() || is_ready || told.changed().await.is_err() {
                return progress;
            }
        }
    }
}

/// Those that are not reached: each with the position of its partition, if it is read.
fn missed(table: &TableHealth, wanted: &[PartitionOffset]) -> Vec<(i32, Option<i64>)> {
    let progress = |wanted: &PartitionOffset| (*wanted, table.progress(wanted.partition));
    let missed = wanted.iter().map(progress).filter(|(wanted, progress)| {
        !progress.as_ref().is_some_and(|progress| progress.has_handled(wanted.offset))
    });
    let position = |progress: Arc<Progress>| progress.next_offset();
    missed.map(|(wanted, progress)| (wanted.partition, progress.map(position))).collect()
}
