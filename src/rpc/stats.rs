//! `StatsService`: the snapshot of the service, once or again and again.
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
mod watch;

use std::sync::Arc;

use tonic::Status;

use super::call::Call;
use super::response::FinishedResponse;
use super::snapshots::Snapshots;
use crate::proto::v1::WatchStatsRequest;
pub(super) use memory::to_type;
use watch::StatsWatch;

pub(super) struct Stats {
    snapshots: Arc<Snapshots>,
}

impl Stats {
    pub(super) fn new(snapshots: Snapshots) -> Self {
        Self { snapshots: Arc::new(snapshots) }
    }

    pub(super) async fn get_stats(&self, call: &Call) -> Result<FinishedResponse, Status> {
        let snapshot = self.snapshots.next(call.deadline()).await?;
        call.respond_with_statistics(|buffer| buffer.put(&snapshot))
    }

    pub(super) fn watch_stats(&self, request: &WatchStatsRequest) -> StatsWatch {
        StatsWatch::new(Snapshots::watch(&self.snapshots), request.interval)
    }
}
