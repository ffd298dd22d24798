//! `StatsService`: the snapshot of the service.
//!
//! The files beside this one convert the plain data of the snapshot to messages. How the figures come
//! about is not known here.

mod access;
mod calls;
mod kafka;
mod memory;
mod partitions;
mod rpc;
mod snapshot;
mod tls;

use tonic::Status;

use super::call::Call;
use super::response::FinishedResponse;
use super::snapshots::Snapshots;
pub(super) use memory::to_type;

pub(super) struct Stats {
    snapshots: Snapshots,
}

impl Stats {
    pub(super) fn new(snapshots: Snapshots) -> Self {
        Self { snapshots }
    }

    pub(super) async fn get_stats(&self, call: &Call) -> Result<FinishedResponse, Status> {
        let snapshot = self.snapshots.next(call.deadline()).await?;
        call.respond_with_statistics(&snapshot)
    }
}
