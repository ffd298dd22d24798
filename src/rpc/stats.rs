//! `StatsService`: the snapshot of the service, and what operators ask for on demand.
//!
//! Each method is a few lines here. The files beside this one convert the plain data of the
//! snapshot to messages. How the figures come about is not known here.

mod entries;
mod kafka;
mod memory;
mod records;
mod snapshot;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use super::deadline::Deadline;
use super::response::{ResponseBudget, ResponseBuffer};
use super::validation::Tables;
use crate::proto::server::stats_service_server::StatsService;
use crate::proto::v1::{
    DescribeEntryRequest, DescribeEntryResponse, GetStatsRequest, GetStatsResponse,
    ListLargestEntriesRequest, ListLargestEntriesResponse, ListRejectionsRequest,
    ListRejectionsResponse, ReclaimRequest, ReclaimResponse,
};
use crate::stats::{Reclaimed, Rejection, TakeSnapshot};

/// Frees unused memory and reports the effect. Blocks for some hundred milliseconds.
pub type Reclaim = Arc<dyn Fn() -> Reclaimed + Send + Sync>;

/// Lists the last rejected records, newest first.
pub type ListRejections = Arc<dyn Fn() -> Vec<Rejection> + Send + Sync>;

pub(super) struct Stats {
    tables: Tables,
    budget: ResponseBudget,
    take_snapshot: TakeSnapshot,
    reclaim: Reclaim,
    rejections: ListRejections,
    /// Only one page of entries at a time is in memory and waits for a permit.
    listing: Semaphore,
    /// Only one caller at a time occupies a blocking thread.
    blocking: Arc<Semaphore>,
}

impl Stats {
    pub(super) fn new(
        tables: Tables,
        budget: ResponseBudget,
        take_snapshot: TakeSnapshot,
        reclaim: Reclaim,
        rejections: ListRejections,
    ) -> Self {
        let blocking = Arc::new(Semaphore::new(1));
        let listing = Semaphore::new(1);
        Self { tables, budget, take_snapshot, reclaim, rejections, listing, blocking }
    }

    /// Runs slow work on a blocking thread, so that no other call has to wait for it.
    async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let turn = Arc::clone(&self.blocking).acquire_owned().await;
        let turn = turn.map_err(|closed| internal(&closed))?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work ends. The call may be cancelled before, and the work goes on.
            let _turn = turn;
            work()
        });
        done.await.map_err(|panicked| internal(&panicked))
    }
}

#[tonic::async_trait]
impl StatsService for Stats {
    async fn get_stats(
        &self,
        _: Request<GetStatsRequest>,
    ) -> Result<Response<GetStatsResponse>, Status> {
        Ok(Response::new((self.take_snapshot)().into()))
    }

    async fn reclaim(
        &self,
        _: Request<ReclaimRequest>,
    ) -> Result<Response<ReclaimResponse>, Status> {
        let reclaim = Arc::clone(&self.reclaim);
        Ok(Response::new(self.run_blocking(move || reclaim()).await?.into()))
    }

    async fn list_rejections(
        &self,
        request: Request<ListRejectionsRequest>,
    ) -> Result<Response<ListRejectionsResponse>, Status> {
        let listed = records::list_rejections(&self.tables, (self.rejections)(), request.get_ref());
        listed.map(Response::new)
    }

    async fn describe_entry(
        &self,
        request: Request<DescribeEntryRequest>,
    ) -> Result<Response<DescribeEntryResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let look_up = |_, buffer: &mut ResponseBuffer| {
            buffer.put_message(&entries::describe(&self.tables, request.get_ref())?);
            Ok(())
        };
        self.budget.respond(deadline, look_up).await
    }

    async fn list_largest_entries(
        &self,
        request: Request<ListLargestEntriesRequest>,
    ) -> Result<Response<ListLargestEntriesResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let (tables, request) = (self.tables.clone(), request.into_inner());
        let _turn = self.listing.acquire().await.map_err(|closed| internal(&closed))?;
        let page = self.run_blocking(move || entries::list_largest(&tables, &request)).await??;
        let look_up = |_, buffer: &mut ResponseBuffer| {
            buffer.put_message(&page);
            Ok(())
        };
        self.budget.respond(deadline, look_up).await
    }
}

fn internal(error: &dyn std::error::Error) -> Status {
    Status::internal(error.to_string())
}
