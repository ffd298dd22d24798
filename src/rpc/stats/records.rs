//! Converts the counters of records, by partition, outcome and reason, and lists rejections.

use tonic::Status;

use crate::proto::v1::{
    self as wire, ListRejectionsRequest, ListRejectionsResponse, RecordCount, RecordOutcome,
    RejectReason, RejectionCount,
};
use crate::record::Reject;
use crate::rpc::convert::to_timestamp;
use crate::rpc::validation::Tables;
use crate::stats::{Outcome, PartitionStats, Rejection};

/// Lists the rejections of one table, or of all tables if the request names none.
pub(super) fn list_rejections(
    tables: &Tables,
    rejections: Vec<Rejection>,
    request: &ListRejectionsRequest,
) -> Result<ListRejectionsResponse, Status> {
    let table = &request.table;
    if !table.is_empty() {
        tables.find(table)?;
    }
    let is_listed = |rejection: &Rejection| table.is_empty() || *rejection.table == **table;
    let rejections = rejections.into_iter().filter(is_listed).map(Into::into).collect();
    Ok(ListRejectionsResponse { rejections })
}

impl From<Rejection> for wire::Rejection {
    fn from(rejection: Rejection) -> Self {
        Self {
            table: rejection.table.to_string(),
            topic: rejection.topic.to_string(),
            partition: rejection.partition,
            offset: rejection.offset,
            record_time: Some(to_timestamp(rejection.record_time)),
            reject_time: Some(to_timestamp(rejection.reject_time)),
            reason: to_reason(rejection.reason).into(),
        }
    }
}

impl From<PartitionStats> for wire::PartitionStats {
    fn from(partition: PartitionStats) -> Self {
        Self {
            position: partition.position,
            high_watermark: partition.high_watermark,
            lag_records: partition.lag_records(),
            newest_record_time: partition.newest_record_time.map(to_timestamp),
            polled_count: partition.polled_count,
            payload_bytes: partition.payload_bytes,
            retention_gap_records: partition.retention_gap_records,
            recreated_count: partition.recreated_count,
            client_recreated_count: partition.client_recreated_count,
            loading: partition.loading.map(Into::into),
            open_transaction_offset: partition.open_transaction,
            records: record_counts(&partition.outcomes),
            rejections: rejection_counts(&partition.outcomes),
            table: partition.table,
            topic: partition.topic,
            partition: partition.partition,
        }
    }
}

/// A count for every outcome. Rejections of all reasons are one outcome.
fn record_counts(outcomes: &[(Outcome, u64)]) -> Vec<RecordCount> {
    use RecordOutcome as Of;
    let all = [
        Of::Stored,
        Of::Replaced,
        Of::Deleted,
        Of::DeletedNothing,
        Of::ExpiredOnArrival,
        Of::Superseded,
        Of::Filtered,
        Of::Rejected,
    ];
    all.into_iter()
        .map(|outcome| {
            let same = outcomes.iter().filter(|(each, _)| to_outcome(*each) == outcome);
            RecordCount { outcome: outcome.into(), count: same.map(|(_, count)| count).sum() }
        })
        .collect()
}

/// A count for every reason that occurred.
fn rejection_counts(outcomes: &[(Outcome, u64)]) -> Vec<RejectionCount> {
    outcomes
        .iter()
        .filter_map(|&(outcome, count)| match outcome {
            Outcome::Rejected(reject) if count > 0 => {
                Some(RejectionCount { reason: to_reason(reject).into(), count })
            }
            _ => None,
        })
        .collect()
}

fn to_outcome(outcome: Outcome) -> RecordOutcome {
    match outcome {
        Outcome::Stored => RecordOutcome::Stored,
        Outcome::Replaced => RecordOutcome::Replaced,
        Outcome::Deleted => RecordOutcome::Deleted,
        Outcome::DeletedNothing => RecordOutcome::DeletedNothing,
        Outcome::ExpiredOnArrival => RecordOutcome::ExpiredOnArrival,
        Outcome::Superseded => RecordOutcome::Superseded,
        Outcome::Filtered => RecordOutcome::Filtered,
        Outcome::Rejected(_) => RecordOutcome::Rejected,
    }
}

fn to_reason(reject: Reject) -> RejectReason {
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
        Reject::MissingVersion => RejectReason::MissingVersion,
        Reject::InvalidVersion => RejectReason::InvalidVersion,
        Reject::BinaryKey => RejectReason::BinaryKey,
        Reject::StructuredKey => RejectReason::StructuredKey,
        Reject::ImplausibleTime => RejectReason::ImplausibleTime,
        Reject::InvalidTtl => RejectReason::InvalidTtl,
        Reject::FramedPayload => RejectReason::FramedPayload,
        Reject::CompressedPayload => RejectReason::CompressedPayload,
    }
}
