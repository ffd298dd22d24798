//! `StatsService`: the snapshot as messages, and what is explained on demand.

mod entries;
mod memory;
mod rejections;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use super::answer::{wire_span, wire_time};
use super::deadline::Deadline;
use super::in_flight::{InFlight, Parcel};
use super::request::Tables;
use super::{ListRejections, Reclaim, TakeSnapshot};
use crate::memory::MemoryType;
use crate::proto::server::stats_service_server::StatsService;
use crate::proto::server::{
    self as wire, Build, DescribeEntryRequest, DescribeEntryResponse, GetStatsRequest,
    GetStatsResponse, ListLargestEntriesRequest, ListLargestEntriesResponse, ListRejectionsRequest,
    ListRejectionsResponse, ReclaimRequest, ReclaimResponse, RecordCount, RecordOutcome,
    RejectReason, RejectionCount, RemovalCause, RemovalCount, TopicState,
};
use crate::record::Reject;
use crate::stats::{self, Loading, Outcome, PartitionStats, Snapshot};
use crate::table::{Removal, TableStats};

pub(super) struct Stats {
    tables: Tables,
    in_flight: InFlight,
    snapshot: TakeSnapshot,
    reclaim: Reclaim,
    rejections: ListRejections,
    /// One page of entries at a time is made and waits for room.
    listing: Semaphore,
    /// What takes its time is done for one caller at a time.
    at_leisure: Arc<Semaphore>,
}

impl Stats {
    pub(super) fn new(
        tables: Tables,
        in_flight: InFlight,
        snapshot: TakeSnapshot,
        reclaim: Reclaim,
        rejections: ListRejections,
    ) -> Self {
        let at_leisure = Arc::new(Semaphore::new(1));
        let listing = Semaphore::new(1);
        Self { tables, in_flight, snapshot, reclaim, rejections, listing, at_leisure }
    }

    /// Does what takes its time on a thread that answers no calls.
    async fn at_leisure<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let turn = Arc::clone(&self.at_leisure).acquire_owned().await;
        // Held by the work and not by the call: a caller that goes away does not end it.
        let turn = turn.map_err(|closed| failed(&closed))?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|panicked| failed(&panicked))
    }
}

#[tonic::async_trait]
impl StatsService for Stats {
    async fn get_stats(
        &self,
        _: Request<GetStatsRequest>,
    ) -> Result<Response<GetStatsResponse>, Status> {
        Ok(Response::new((self.snapshot)().into()))
    }

    async fn reclaim(
        &self,
        _: Request<ReclaimRequest>,
    ) -> Result<Response<ReclaimResponse>, Status> {
        let reclaim = Arc::clone(&self.reclaim);
        Ok(Response::new(self.at_leisure(move || reclaim()).await?.into()))
    }

    async fn list_rejections(
        &self,
        request: Request<ListRejectionsRequest>,
    ) -> Result<Response<ListRejectionsResponse>, Status> {
        let listed = rejections::list(&self.tables, (self.rejections)(), request.get_ref());
        listed.map(Response::new)
    }

    async fn describe_entry(
        &self,
        request: Request<DescribeEntryRequest>,
    ) -> Result<Response<DescribeEntryResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let look_up = |_, parcel: &mut Parcel| {
            parcel.put_message(&entries::describe(&self.tables, request.get_ref())?);
            Ok(())
        };
        self.in_flight.answer(deadline, look_up).await
    }

    async fn list_largest_entries(
        &self,
        request: Request<ListLargestEntriesRequest>,
    ) -> Result<Response<ListLargestEntriesResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let (tables, request) = (self.tables.clone(), request.into_inner());
        let _turn = self.listing.acquire().await.map_err(|closed| failed(&closed))?;
        let page = self.at_leisure(move || entries::list_largest(&tables, &request)).await??;
        let look_up = |_, parcel: &mut Parcel| {
            parcel.put_message(&page);
            Ok(())
        };
        self.in_flight.answer(deadline, look_up).await
    }
}

fn failed(error: &dyn std::error::Error) -> Status {
    Status::internal(error.to_string())
}

impl From<Snapshot> for GetStatsResponse {
    fn from(snapshot: Snapshot) -> Self {
        let census = &snapshot.memory.census;
        let loading = PartitionStats::loading_by_table(&snapshot.partitions);
        let table = |table: TableStats| {
            let measured_bytes = census.bytes_of(&MemoryType::Table(table.name.clone()));
            let loading = loading.get(table.name.as_str()).copied();
            wire_table(table, measured_bytes, loading)
        };
        Self {
            tables: snapshot.tables.into_iter().map(table).collect(),
            start_time: Some(wire_time(snapshot.started)),
            uptime: wire_span(snapshot.uptime),
            build: Some(Build {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                librdkafka_version: snapshot.librdkafka_version,
            }),
            config_digest: snapshot.config_digest,
            ready: snapshot.ready,
            memory: Some(snapshot.memory.into()),
            partitions: snapshot.partitions.into_iter().map(Into::into).collect(),
            topics: snapshot.topics.into_iter().map(Into::into).collect(),
            dead_letters: Some(snapshot.dead_letters.into()),
            books: Some(wire::BooksStats { mismatch_count: snapshot.counter_check.mismatch_count }),
        }
    }
}

/// What a table says of itself, with what the census says of it.
fn wire_table(
    table: TableStats,
    measured_bytes: u64,
    loading: Option<Loading>,
) -> wire::TableStats {
    let removal =
        |cause| RemovalCount { cause: wire_cause(cause), count: table.removals.count(cause) };
    let by_entry = |bytes: u64| bytes.checked_div(table.entry_count).unwrap_or(0);
    wire::TableStats {
        level_bytes: table.level_bytes,
        measured_bytes,
        ghost_bytes: table.ghost_bytes,
        retained_bytes_per_entry: by_entry(measured_bytes.saturating_sub(table.ghost_bytes)),
        weight_bytes_per_entry: by_entry(table.weight_bytes.saturating_sub(table.ghost_bytes)),
        plucked_bytes: table.plucked_bytes,
        entry_count: table.entry_count,
        weight_bytes: table.weight_bytes,
        capacity_bytes: table.capacity_bytes,
        hit_count: table.hit_count,
        miss_count: table.miss_count,
        stored_count: table.stored_count,
        removals: Removal::ALL.map(removal).into(),
        newest_record_time: table.newest_record_time.map(wire_time),
        loading: loading.map(Into::into),
        name: table.name,
    }
}

impl From<PartitionStats> for wire::PartitionStats {
    fn from(partition: PartitionStats) -> Self {
        Self {
            position: partition.position,
            high_watermark: partition.high_watermark,
            lag_records: partition.lag_records(),
            newest_record_time: partition.newest_record_time.map(wire_time),
            polled_count: partition.polled_count,
            payload_bytes: partition.payload_bytes,
            gap_records: partition.gap_records,
            restart_count: partition.restart_count,
            rebuild_count: partition.rebuild_count,
            loading: partition.loading.map(Into::into),
            records: record_counts(&partition.outcomes),
            rejections: rejection_counts(&partition.outcomes),
            table: partition.table,
            topic: partition.topic,
            partition: partition.partition,
        }
    }
}

impl From<Loading> for wire::Loading {
    fn from(loading: Loading) -> Self {
        Self {
            done_records: loading.done_records,
            remaining_records: loading.remaining_records,
            records_per_second: loading.records_per_second(),
            time_left: loading.time_left().and_then(wire_span),
        }
    }
}

impl From<stats::DeadLetterStats> for wire::DeadLetterStats {
    fn from(dead_letters: stats::DeadLetterStats) -> Self {
        Self {
            delivered_count: dead_letters.delivered_count,
            dropped_count: dead_letters.dropped_count,
            failed_count: dead_letters.failed_count,
        }
    }
}

impl From<stats::TopicStats> for wire::TopicStats {
    fn from(topic: stats::TopicStats) -> Self {
        let state = match topic.state {
            stats::TopicState::Waiting => TopicState::Waiting,
            stats::TopicState::Reading => TopicState::Reading,
            stats::TopicState::Missing => TopicState::Missing,
            stats::TopicState::Unauthorized => TopicState::Unauthorized,
            stats::TopicState::Unreadable => TopicState::Unreadable,
        };
        Self { topic: topic.topic, state: state.into(), since: Some(wire_time(topic.since)) }
    }
}

fn record_counts(outcomes: &[(Outcome, u64)]) -> Vec<RecordCount> {
    use RecordOutcome::{Deleted, ExpiredOnArrival, Filtered, Rejected, Replaced, Stored};
    [Stored, Replaced, Deleted, ExpiredOnArrival, Filtered, Rejected]
        .into_iter()
        .map(|outcome| {
            let of_it = outcomes.iter().filter(|(each, _)| wire_outcome(*each) == outcome);
            RecordCount { outcome: outcome.into(), count: of_it.map(|(_, count)| count).sum() }
        })
        .collect()
}

fn rejection_counts(outcomes: &[(Outcome, u64)]) -> Vec<RejectionCount> {
    outcomes
        .iter()
        .filter_map(|&(outcome, count)| match outcome {
            Outcome::Rejected(reject) if count > 0 => {
                Some(RejectionCount { reason: wire_reason(reject).into(), count })
            }
            _ => None,
        })
        .collect()
}

fn wire_cause(removal: Removal) -> i32 {
    match removal {
        Removal::Replaced => RemovalCause::Replaced,
        Removal::Deleted => RemovalCause::Deleted,
        Removal::Expired => RemovalCause::Expired,
        Removal::Evicted => RemovalCause::Evicted,
    }
    .into()
}

fn wire_outcome(outcome: Outcome) -> RecordOutcome {
    match outcome {
        Outcome::Stored => RecordOutcome::Stored,
        Outcome::Replaced => RecordOutcome::Replaced,
        Outcome::Deleted => RecordOutcome::Deleted,
        Outcome::ExpiredOnArrival => RecordOutcome::ExpiredOnArrival,
        Outcome::Filtered => RecordOutcome::Filtered,
        Outcome::Rejected(_) => RecordOutcome::Rejected,
    }
}

fn wire_reason(reject: Reject) -> RejectReason {
    match reject {
        Reject::EmptyPayload => RejectReason::EmptyPayload,
        Reject::DocumentTooLarge => RejectReason::DocumentTooLarge,
        Reject::InvalidUtf8 => RejectReason::InvalidUtf8,
        Reject::InvalidJson => RejectReason::InvalidJson,
        Reject::MissingKey => RejectReason::MissingKey,
        Reject::InvalidKeyType => RejectReason::InvalidKeyType,
        Reject::EmptyKey => RejectReason::EmptyKey,
        Reject::KeyTooLong => RejectReason::KeyTooLong,
        Reject::EntryTooLarge => RejectReason::EntryTooLarge,
        Reject::MissingTime => RejectReason::MissingTime,
        Reject::InvalidTime => RejectReason::InvalidTime,
    }
}
