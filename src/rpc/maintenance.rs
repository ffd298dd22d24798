//! `MaintenanceService`: what operators ask for on demand, entry by entry if need be.
//!
//! Each method is a few lines here. What takes long runs on a thread of its own, so that no lookup
//! waits for it. How the figures come about is not known here.

mod entries;
mod reclaim;
mod rejections;

use std::sync::Arc;

use tonic::Status;

use super::call::Call;
use super::fresh_tables::FreshTables;
use super::freshness::Freshness;
use super::response::FinishedResponse;
use super::validation::{self, required, validate};
use super::worker::Worker;
use crate::proto::v1::{
    DescribeEntryRequest, ListLargestEntriesRequest, ListRejectionsRequest, ReclaimResponse,
};
use crate::stats::{ListedRejection, Reclaimed};

/// Frees unused memory and reports the effect. Blocks for some hundred milliseconds.
pub type Reclaim = Arc<dyn Fn() -> Reclaimed + Send + Sync>;

/// Lists the last rejected records, newest first.
pub type ListRejections = Arc<dyn Fn() -> Vec<ListedRejection> + Send + Sync>;

pub(super) struct Maintenance {
    tables: FreshTables,
    reclaim: Reclaim,
    rejections: ListRejections,
    reclaims: Worker,
    walks: Arc<Worker>,
}

impl Maintenance {
    /// What takes long runs on these threads, one for each kind. Others walk on the same one.
    pub(super) fn new(
        tables: FreshTables,
        reclaim: Reclaim,
        rejections: ListRejections,
        reclaims: Worker,
        walks: Arc<Worker>,
    ) -> Self {
        Self { tables, reclaim, rejections, reclaims, walks }
    }

    pub(super) async fn reclaim(&self, call: &Call) -> Result<FinishedResponse, Status> {
        let reclaim = Arc::clone(&self.reclaim);
        let (reclaimed, _turn) = self.reclaims.run(call.deadline(), move || reclaim()).await?;
        call.respond_at_once(&ReclaimResponse::from(reclaimed))
    }

    pub(super) fn list_rejections(
        &self,
        call: &Call,
        request: &ListRejectionsRequest,
    ) -> Result<FinishedResponse, Status> {
        call.respond_at_once(&rejections::list(&self.tables, (self.rejections)(), request)?)
    }

    pub(super) async fn describe_entry(
        &self,
        call: &Call,
        request: DescribeEntryRequest,
    ) -> Result<FinishedResponse, Status> {
        let DescribeEntryRequest { table, key, freshness } = request;
        let demanded = Freshness::from(freshness.unwrap_or_default());
        let of_request = [required("table", &table), validation::key(|| "key".into(), &key)];
        validate(of_request.into_iter().chain(demanded.violations()))?;
        self.tables.wait_for_positions(&table, &demanded, call.deadline()).await?;
        let (table, state) = self.tables.find_fresh(&table, &demanded)?;
        call.respond_at_once(&entries::describe(table, state, &key)?)
    }

    pub(super) async fn list_largest_entries(
        &self,
        call: &Call,
        request: ListLargestEntriesRequest,
    ) -> Result<FinishedResponse, Status> {
        validate([required("table", &request.table)])?;
        let (table, state) = self.tables.find_fresh(&request.table, &Freshness::default())?;
        let walk = entries::walk(table, state, &request)?;
        let (page, _turn) = self.walks.run(call.deadline(), walk).await?;
        call.respond_at_once(&page)
    }
}
