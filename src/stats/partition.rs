//! One partition of a snapshot: its progress and its counters.

use std::collections::BTreeMap;
use std::time::Duration;

use super::loading::Loading;
use super::outcome::Outcome;
use crate::record::Timestamp;

/// One partition as the source of one table.
#[derive(Debug, Clone, Default)]
pub struct PartitionStats {
    /// The table's name.
    pub table: String,
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// The offset at which reading started, or started again after a reset.
    pub start: i64,
    /// The offset of the next record to handle.
    pub position: i64,
    /// The offset after the newest record that the broker is known to have.
    pub high_watermark: i64,
    /// How long ago the table was last known to have all that the partition had; none before it
    /// was. Zero for a partition that the topic does not have any more.
    pub staleness: Option<Duration>,
    /// Where the oldest open transaction begins. Nothing after it can be read until it ends.
    pub open_transaction: Option<i64>,
    /// The newest timestamp of all records handled.
    pub newest_record_time: Option<Timestamp>,
    /// The bytes of the payloads handled.
    pub payload_bytes: u64,
    /// Records that retention removed before they were read.
    pub retention_gap_records: u64,
    /// How often it was read again from its beginning, because its topic was recreated.
    pub recreated_count: u64,
    /// How often its thread's client was recreated because the partition had stalled.
    pub client_recreated_count: u64,
    /// The progress through its backlog; none once that is read.
    pub loading: Option<Loading>,
    /// Records that were handled. One that is being handled does not count yet.
    pub polled_count: u64,
    /// The same records by outcome, with every outcome.
    pub outcomes: Vec<(Outcome, u64)>,
    /// Whether no record was being handled, so that both counts are of one moment.
    pub is_settled: bool,
}

impl PartitionStats {
    /// Records between the position and the high watermark.
    pub fn lag_records(&self) -> i64 {
        (self.high_watermark - self.position).max(0)
    }

    /// Records with an outcome: all that were polled, if the counters balance.
    pub fn outcome_count(&self) -> u64 {
        self.outcomes.iter().map(|(_, count)| count).sum()
    }

    /// Records that were written to the table.
    pub fn written_count(&self) -> u64 {
        let written = |outcome| matches!(outcome, Outcome::Stored | Outcome::Replaced);
        self.outcomes.iter().filter(|(outcome, _)| written(*outcome)).map(|(_, count)| count).sum()
    }

    /// The tables that are loading, each with the progress of all its partitions together.
    pub fn loading_by_table(partitions: &[Self]) -> BTreeMap<&str, Loading> {
        let loading = partitions.iter().filter_map(|each| Some((&*each.table, each.loading?)));
        Loading::sum_by_table(loading)
    }
}
