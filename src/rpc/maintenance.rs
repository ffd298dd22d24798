//! `MaintenanceService`: what operators ask for on demand, entry by entry if need be.
//!
//! Each method is a few lines here. What takes long runs on a thread of its own, so that no lookup
//! waits for it. How the figures come about is not known here.

mod entries;
mod reclaim;
mod rejections;

use std::io;
use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::deadline::Deadline;
use super::fresh_tables::FreshTables;
use super::freshness::Freshness;
use super::response::{ResponseBudget, ResponseBuffer};
use super::validation::{self, required, validate};
use super::worker::Worker;
use crate::heap::Account;
use crate::proto::server::maintenance_service_server::MaintenanceService;
use crate::proto::v1::{
    DescribeEntryRequest, DescribeEntryResponse, ListLargestEntriesRequest,
    ListLargestEntriesResponse, ListRejectionsRequest, ListRejectionsResponse, ReclaimRequest,
    ReclaimResponse,
};
use crate::stats::{ListedRejection, Reclaimed};

/// Frees unused memory and reports the effect. Blocks for some hundred milliseconds.
pub type Reclaim = Arc<dyn Fn() -> Reclaimed + Send + Sync>;

/// Lists the last rejected records, newest first.
pub type ListRejections = Arc<dyn Fn() -> Vec<ListedRejection> + Send + Sync>;

pub(super) struct Maintenance {
    tables: FreshTables,
    budget: ResponseBudget,
    reclaim: Reclaim,
    rejections: ListRejections,
    reclaims: Worker,
    walks: Worker,
}

impl Maintenance {
    /// Starts the threads for what takes long. Their allocations are charged to `account`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn new(
        tables: FreshTables,
        budget: ResponseBudget,
        reclaim: Reclaim,
        rejections: ListRejections,
        account: &Account,
    ) -> io::Result<Self> {
        let (reclaims, walks) =
            (Worker::spawn("reclaim", account)?, Worker::spawn("walk", account)?);
        Ok(Self { tables, budget, reclaim, rejections, reclaims, walks })
    }
}

#[tonic::async_trait]
impl MaintenanceService for Maintenance {
    async fn reclaim(
        &self,
        request: Request<ReclaimRequest>,
    ) -> Result<Response<ReclaimResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let reclaim = Arc::clone(&self.reclaim);
        let (reclaimed, _turn) = self.reclaims.run(deadline, move || reclaim()).await?;
        let response = ReclaimResponse::from(reclaimed);
        let look_up = |_, buffer: &mut ResponseBuffer| {
            buffer.put_message(&response);
            Ok(())
        };
        self.budget.respond(deadline, look_up).await
    }

    async fn list_rejections(
        &self,
        request: Request<ListRejectionsRequest>,
    ) -> Result<Response<ListRejectionsResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let listed = rejections::list(&self.tables, (self.rejections)(), request.get_ref())?;
        let look_up = |_, buffer: &mut ResponseBuffer| {
            buffer.put_message(&listed);
            Ok(())
        };
        self.budget.respond(deadline, look_up).await
    }

    async fn describe_entry(
        &self,
        request: Request<DescribeEntryRequest>,
    ) -> Result<Response<DescribeEntryResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let DescribeEntryRequest { table, key, freshness } = request.into_inner();
        let demanded = Freshness::from(freshness.unwrap_or_default());
        let of_request = [required("table", &table), validation::key(|| "key".into(), &key)];
        validate(of_request.into_iter().chain(demanded.violations()))?;
        self.tables.wait_for_positions(&table, &demanded, deadline).await?;
        let look_up = |_, buffer: &mut ResponseBuffer| {
            let (table, state) = self.tables.find_fresh(&table, &demanded)?;
            buffer.put_message(&entries::describe(table, state, &key)?);
            Ok(())
        };
        self.budget.respond(deadline, look_up).await
    }

    async fn list_largest_entries(
        &self,
        request: Request<ListLargestEntriesRequest>,
    ) -> Result<Response<ListLargestEntriesResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let request = request.into_inner();
        validate([required("table", &request.table)])?;
        let (table, state) = self.tables.find_fresh(&request.table, &Freshness::default())?;
        let walk = entries::walk(table, state, &request)?;
        // The turn lasts until there is room for the page, so only one page at a time waits for that.
        let (page, _turn) = self.walks.run(deadline, walk).await?;
        let look_up = |_, buffer: &mut ResponseBuffer| {
            buffer.put_message(&page);
            Ok(())
        };
        self.budget.respond(deadline, look_up).await
    }
}
