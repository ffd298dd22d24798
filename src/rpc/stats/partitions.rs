//! Converts the counters of records, by partition, outcome and reason.

use crate::proto::v1::{self as wire, RecordCount, RecordOutcome, RejectionCount};
use crate::rpc::convert::{to_duration, to_int64, to_reason, to_timestamp};
use crate::stats::{Outcome, PartitionStats};

impl From<PartitionStats> for wire::PartitionStats {
    fn from(partition: PartitionStats) -> Self {
        Self {
            position: partition.position,
            high_watermark: partition.high_watermark,
            lag_records: partition.lag_records(),
            newest_record_time: partition.newest_record_time.map(to_timestamp),
            polled_count: to_int64(partition.polled_count),
            payload_bytes: to_int64(partition.payload_bytes),
            retention_gap_records: to_int64(partition.retention_gap_records),
            recreated_count: to_int64(partition.recreated_count),
            client_recreated_count: to_int64(partition.client_recreated_count),
            loading: partition.loading.map(Into::into),
            open_transaction_offset: partition.open_transaction,
            staleness: partition.staleness.map(to_duration),
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
            let count = same.map(|(_, count)| count).sum();
            RecordCount { outcome: outcome.into(), count: to_int64(count) }
        })
        .collect()
}

/// A count for every reason that occurred.
fn rejection_counts(outcomes: &[(Outcome, u64)]) -> Vec<RejectionCount> {
    outcomes
        .iter()
        .filter_map(|&(outcome, count)| match outcome {
            Outcome::Rejected(reject) if count > 0 => {
                Some(RejectionCount { reason: to_reason(reject).into(), count: to_int64(count) })
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
