//! The books of one partition as the source of one table: its progress, and a count for every
//! outcome of its records.
//!
//! The ingest thread writes, any thread reads. Only one thread writes, so a counter is a load and
//! a store, without a lock or an atomic addition. A reader gets counts of one moment, between two
//! records. This file must not know Kafka's client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering, fence};
use std::thread;
use std::time::Instant;

use crate::health::{PartitionStart, Progress, TableHandle};
use crate::record::{Origin, Reject, Timestamp};
use crate::stats::{Loading, Outcome, PartitionStats, Rejection};

/// How often a reader looks for a moment in which no record is being handled.
const LOOKS: usize = 16;
const NO_TIME: i64 = i64::MIN;

#[derive(Debug)]
pub(super) struct PartitionBooks {
    table: Arc<str>,
    topic: Arc<str>,
    partition: i32,
    progress: Arc<Progress>,
    high_watermark: AtomicI64,
    newest_millis: AtomicI64,
    payload_bytes: AtomicU64,
    retention_gap_records: AtomicU64,
    recreated: AtomicU64,
    client_recreated: AtomicU64,
    backlog: Backlog,
    counts: OutcomeCounts,
}

impl PartitionBooks {
    /// Opens the books of a partition that `table` starts to read.
    pub(super) fn open(table: &TableHandle, topic: &str, start: PartitionStart) -> Self {
        Self {
            table: table.name().into(),
            topic: topic.into(),
            partition: start.partition,
            progress: table.start_partition(start),
            high_watermark: AtomicI64::new(start.end),
            newest_millis: AtomicI64::new(NO_TIME),
            payload_bytes: AtomicU64::new(0),
            retention_gap_records: AtomicU64::new(0),
            recreated: AtomicU64::new(0),
            client_recreated: AtomicU64::new(0),
            backlog: Backlog::new(start.start, start.end),
            counts: OutcomeCounts::default(),
        }
    }

    /// The order in which partitions are listed.
    pub(super) fn sort_key(&self) -> (&str, &str, i32) {
        (&self.table, &self.topic, self.partition)
    }

    /// Counts records that were polled. Their outcomes follow.
    pub(super) fn count_polled(&self, records: usize) {
        self.counts.count_polled(records as u64);
    }

    /// Counts the outcome of the record at `origin`.
    pub(super) fn count_outcome(
        &self,
        origin: Origin,
        now: Timestamp,
        payload_bytes: usize,
        outcome: Outcome,
    ) {
        self.counts.count_outcome(outcome);
        add(&self.payload_bytes, payload_bytes as u64);
        raise(&self.newest_millis, origin.time.min(now).as_millis());
    }

    /// Notes that everything before `offset` is handled and counted.
    pub(super) fn advance_to(&self, offset: i64) {
        raise(&self.high_watermark, offset);
        self.progress.advance_to(offset);
    }

    /// Notes that the records that were polled last are handled, whether or not they were counted.
    pub(super) fn settle(&self) {
        self.counts.settle();
    }

    /// Notes that everything before `offset` is handled, if not more.
    pub(super) fn advance_at_least_to(&self, offset: i64) {
        raise(&self.high_watermark, offset);
        self.progress.advance_at_least_to(offset);
    }

    /// Notes that the partition reached up to `end` at the time `learnt`; none if that is not
    /// known. The thread may have read further since.
    pub(super) fn observe_end(&self, end: i64, learnt: Option<Instant>) {
        let high_watermark = end.max(self.progress.next_offset());
        self.high_watermark.store(high_watermark, Ordering::Relaxed);
        if let Some(learnt) = learnt {
            self.progress.observe_end(end, learnt);
        }
    }

    /// Notes where the oldest open transaction of the partition begins, if there is one.
    pub(super) fn observe_open_transaction(&self, offset: Option<i64>) {
        self.progress.observe_open_transaction(offset);
    }

    /// Goes on from `start` after retention removed so many records unread.
    pub(super) fn reset_over_gap(&self, start: i64, end: i64, records: u64) {
        add(&self.retention_gap_records, records);
        self.reset(start, end);
    }

    /// Goes on from `start` in the log of a recreated topic.
    pub(super) fn reset_recreated(&self, start: i64, end: i64) {
        add(&self.recreated, 1);
        self.reset(start, end);
    }

    fn reset(&self, start: i64, end: i64) {
        self.backlog.replace(start, end);
        self.high_watermark.store(end, Ordering::Relaxed);
        // The next statistics say when that was the end.
        self.progress.reset_to(start);
    }

    /// Goes back to `offset`, to read records again.
    pub(super) fn rewind(&self, offset: i64) {
        self.progress.reset_to(offset);
    }

    /// Notes that the topic does not have the partition any more.
    pub(super) fn mark_removed(&self) {
        self.progress.mark_removed();
    }

    /// Notes that the partition has caught up.
    pub(super) fn mark_loaded(&self) {
        self.backlog.mark_loaded();
    }

    /// Counts that the client was recreated because this partition had stalled.
    pub(super) fn count_client_recreated(&self) {
        add(&self.client_recreated, 1);
    }

    /// The listing of a record of this partition that was rejected.
    pub(super) fn rejection(&self, origin: Origin, now: Timestamp, reason: Reject) -> Rejection {
        Rejection {
            table: Arc::clone(&self.table),
            topic: Arc::clone(&self.topic),
            partition: self.partition,
            offset: origin.offset,
            record_time: origin.time,
            reject_time: now,
            reason,
        }
    }

    /// The table, and how far the loading of the partition is; none once it is loaded.
    pub(super) fn loading(&self) -> Option<(&str, Loading)> {
        let loading = self.backlog.loading(self.progress.next_offset())?;
        Some((&self.table, loading))
    }

    /// The open transaction that the loading of the partition waits for, in words; none if it waits
    /// for none.
    pub(super) fn awaited_transaction(&self) -> Option<String> {
        let offset = self.progress.awaited_transaction().filter(|_| self.loading().is_some())?;
        let Self { table, topic, partition, .. } = self;
        Some(format!(
            "table {table} waits for the open transaction at offset {offset} of partition \
             {partition} of topic {topic} to end"
        ))
    }

    pub(super) fn stats(&self) -> PartitionStats {
        let counted = self.counts.read();
        let newest = self.newest_millis.load(Ordering::Relaxed);
        PartitionStats {
            table: self.table.to_string(),
            topic: self.topic.to_string(),
            partition: self.partition,
            start: self.backlog.start.load(Ordering::Relaxed),
            position: self.progress.next_offset(),
            high_watermark: self.high_watermark.load(Ordering::Relaxed),
            staleness: self.progress.staleness(Instant::now()),
            open_transaction: self.progress.open_transaction(),
            newest_record_time: (newest != NO_TIME).then(|| Timestamp::from_millis(newest)),
            payload_bytes: self.payload_bytes.load(Ordering::Relaxed),
            retention_gap_records: self.retention_gap_records.load(Ordering::Relaxed),
            recreated_count: self.recreated.load(Ordering::Relaxed),
            client_recreated_count: self.client_recreated.load(Ordering::Relaxed),
            loading: self.backlog.loading(self.progress.next_offset()),
            polled_count: counted.polled_count,
            outcomes: Outcome::all().zip(counted.outcomes).collect(),
            is_settled: counted.is_settled,
        }
    }
}

/// The records that a partition has when it is started: how many are read, and how many are left.
#[derive(Debug)]
struct Backlog {
    started: Instant,
    start: AtomicI64,
    end: AtomicI64,
    is_loaded: AtomicBool,
}

impl Backlog {
    fn new(start: i64, end: i64) -> Self {
        let (start, end) = (AtomicI64::new(start), AtomicI64::new(end));
        Self { started: Instant::now(), start, end, is_loaded: AtomicBool::new(false) }
    }

    fn replace(&self, start: i64, end: i64) {
        self.start.store(start, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
    }

    fn mark_loaded(&self) {
        self.is_loaded.store(true, Ordering::Relaxed);
    }

    fn loading(&self, position: i64) -> Option<Loading> {
        if self.is_loaded.load(Ordering::Relaxed) {
            return None;
        }
        let records = |from: i64, to: i64| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        Some(Loading {
            done_records: records(self.start.load(Ordering::Relaxed), position),
            remaining_records: records(position, self.end.load(Ordering::Relaxed)),
            elapsed: self.started.elapsed(),
        })
    }
}

/// How many records were polled, and how many came to each outcome.
#[derive(Debug)]
struct OutcomeCounts {
    polled: AtomicU64,
    /// The number of polled records when the last one was handled.
    settled: AtomicU64,
    outcomes: [AtomicU64; Outcome::COUNT],
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    polled_count: u64,
    outcomes: [u64; Outcome::COUNT],
    /// Whether no record was being handled. Otherwise that record counts as polled only once
    /// its outcome is counted.
    is_settled: bool,
}

/// Adds to a counter that only the calling thread writes.
fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}

/// Raises a figure that only the calling thread writes.
fn raise(figure: &AtomicI64, at_least: i64) {
    if at_least > figure.load(Ordering::Relaxed) {
        figure.store(at_least, Ordering::Relaxed);
    }
}

impl Default for OutcomeCounts {
    fn default() -> Self {
        Self {
            polled: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            outcomes: [const { AtomicU64::new(0) }; Outcome::COUNT],
        }
    }
}

impl OutcomeCounts {
    fn count_polled(&self, records: u64) {
        add(&self.polled, records);
        // A reader that sees the outcome sees that the record was polled.
        fence(Ordering::Release);
    }

    fn count_outcome(&self, outcome: Outcome) {
        add(&self.outcomes[outcome.index()], 1);
    }

    fn settle(&self) {
        self.settled.store(self.polled.load(Ordering::Relaxed), Ordering::Release);
    }

    /// The counts between two records, if there is such a moment soon.
    fn read(&self) -> Counted {
        for _ in 0..LOOKS {
            let found = self.look();
            if found.is_settled {
                return found;
            }
            thread::yield_now();
        }
        let found = self.look();
        let booked = found.outcomes.iter().sum();
        Counted {
            polled_count: if found.is_settled { found.polled_count } else { booked },
            ..found
        }
    }

    /// If as many records were polled at the end of the look as were settled at its start, none
    /// was being handled meanwhile and no outcome was counted.
    fn look(&self) -> Counted {
        let settled = self.settled.load(Ordering::Acquire);
        let outcomes = self.outcomes.each_ref().map(|count| count.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let polled_count = self.polled.load(Ordering::Relaxed);
        Counted { polled_count, outcomes, is_settled: polled_count == settled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_counts_what_is_read_and_what_is_left_until_it_is_loaded() {
        let backlog = Backlog::new(100, 300);
        let found =
            |position| backlog.loading(position).map(|it| (it.done_records, it.remaining_records));
        assert_eq!(found(100), Some((0, 200)));
        assert_eq!(found(250), Some((150, 50)));
        backlog.replace(0, 50);
        assert_eq!(found(20), Some((20, 30)));
        backlog.mark_loaded();
        assert_eq!(found(50), None);
    }

    #[test]
    fn a_record_that_is_being_handled_does_not_count_yet() {
        let counts = OutcomeCounts::default();
        counts.count_polled(1);
        let open = counts.read();
        assert_eq!((open.polled_count, open.is_settled), (0, false));
        counts.count_outcome(Outcome::Filtered);
        assert_eq!(counts.read().polled_count, 1, "a caller that waited for it finds it");
        counts.settle();
        let settled = counts.read();
        assert_eq!((settled.polled_count, settled.is_settled), (1, true));
        assert_eq!(settled.outcomes[Outcome::Filtered.index()], 1);
    }

    #[test]
    fn a_record_that_is_never_counted_is_missing_once_it_is_handled() {
        let counts = OutcomeCounts::default();
        counts.count_polled(1);
        counts.settle();
        let found = counts.read();
        assert_eq!((found.polled_count, found.is_settled), (1, true));
        assert_eq!(found.outcomes.iter().sum::<u64>(), 0);
    }

    #[test]
    fn whatever_moment_is_read_balances() {
        const RECORDS: u64 = 200_000;
        let counts = Arc::new(OutcomeCounts::default());
        let writer = Arc::clone(&counts);
        let writing = thread::spawn(move || {
            let outcomes: Vec<_> = Outcome::all().collect();
            for (_, &outcome) in (0..RECORDS).zip(outcomes.iter().cycle()) {
                writer.count_polled(1);
                writer.count_outcome(outcome);
                writer.settle();
            }
        });
        loop {
            let found = counts.read();
            assert_eq!(found.polled_count, found.outcomes.iter().sum::<u64>(), "{found:?}");
            if found.polled_count == RECORDS {
                break;
            }
        }
        writing.join().unwrap();
    }
}
