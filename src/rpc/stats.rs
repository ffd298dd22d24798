//! `StatsService`: the snapshot as messages.

use tonic::{Request, Response, Status};

use super::TakeSnapshot;
use super::answer::wire_time;
use crate::proto::server::stats_service_server::StatsService;
use crate::proto::server::{
    self as wire, Build, GetStatsRequest, GetStatsResponse, Memory, RecordCount, RecordOutcome,
    RejectReason, RejectionCount, RemovalCause, RemovalCount,
};
use crate::record::Reject;
use crate::stats::{Outcome, PartitionStats, Snapshot};
use crate::table::{Removal, TableStats};

pub(super) struct Stats {
    snapshot: TakeSnapshot,
}

impl Stats {
    pub(super) fn new(snapshot: TakeSnapshot) -> Self {
        Self { snapshot }
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
}

impl From<Snapshot> for GetStatsResponse {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            start_time: Some(wire_time(snapshot.started)),
            uptime: snapshot.uptime.try_into().ok(),
            build: Some(Build {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                librdkafka_version: snapshot.librdkafka_version,
            }),
            config_digest: snapshot.config_digest,
            ready: snapshot.ready,
            memory: Some(Memory {
                rss_bytes: snapshot.rss_bytes,
                limit_bytes: snapshot.limit_bytes,
            }),
            tables: snapshot.tables.into_iter().map(Into::into).collect(),
            partitions: snapshot.partitions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TableStats> for wire::TableStats {
    fn from(table: TableStats) -> Self {
        let removal =
            |cause| RemovalCount { cause: wire_cause(cause), count: table.removals.count(cause) };
        Self {
            entry_count: table.entry_count,
            weight_bytes: table.weight_bytes,
            capacity_bytes: table.capacity_bytes,
            hit_count: table.hit_count,
            miss_count: table.miss_count,
            stored_count: table.stored_count,
            removals: Removal::ALL.map(removal).into(),
            newest_record_time: table.newest_record_time.map(wire_time),
            name: table.name,
        }
    }
}

impl From<PartitionStats> for wire::PartitionStats {
    fn from(partition: PartitionStats) -> Self {
        Self {
            position: partition.position,
            high_watermark: partition.high_watermark,
            lag_records: partition.lag_records(),
            newest_record_time: partition.newest_record_time.map(wire_time),
            polled_count: partition.polled_count(),
            payload_bytes: partition.payload_bytes,
            records: record_counts(&partition.outcomes),
            rejections: rejection_counts(&partition.outcomes),
            table: partition.table,
            topic: partition.topic,
            partition: partition.partition,
        }
    }
}

fn record_counts(outcomes: &[(Outcome, u64)]) -> Vec<RecordCount> {
    use RecordOutcome::{Deleted, ExpiredOnArrival, Rejected, Replaced, Stored};
    [Stored, Replaced, Deleted, ExpiredOnArrival, Rejected]
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
    }
}
