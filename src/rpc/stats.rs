//! `StatsService`: the snapshot of the service.
//!
//! The files beside this one convert the plain data of the snapshot to messages. How the figures come
//! about is not known here.

mod kafka;
mod memory;
mod partitions;
mod snapshot;

use tonic::{Request, Response, Status};

use super::deadline::Deadline;
use super::response::{ResponseBudget, ResponseBuffer};
use super::snapshots::Snapshots;
use crate::proto::server::stats_service_server::StatsService;
use crate::proto::v1::{GetStatsRequest, GetStatsResponse};
pub(super) use memory::to_type;

pub(super) struct Stats {
    budget: ResponseBudget,
    snapshots: Snapshots,
}

impl Stats {
    pub(super) fn new(budget: ResponseBudget, snapshots: Snapshots) -> Self {
        Self { budget, snapshots }
    }
}

#[tonic::async_trait]
impl StatsService for Stats {
    async fn get_stats(
        &self,
        request: Request<GetStatsRequest>,
    ) -> Result<Response<GetStatsResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let snapshot = self.snapshots.next(deadline).await?;
        let look_up = |_, buffer: &mut ResponseBuffer| {
            buffer.put(&snapshot);
            Ok(())
        };
        self.budget.respond(deadline, look_up).await
    }
}
