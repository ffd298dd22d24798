//! How much of a partition's backlog is read, and how much is to go.
//!
//! One thread writes, anyone reads.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use crate::stats::{Loading, PartitionStats};

#[derive(Debug)]
pub(super) struct Backlogged {
    begun: Instant,
    start: AtomicI64,
    end: AtomicI64,
    is_over: AtomicBool,
}

impl Backlogged {
    pub(super) fn new(start: i64, end: i64) -> Self {
        let (start, end) = (AtomicI64::new(start), AtomicI64::new(end));
        Self { begun: Instant::now(), start, end, is_over: AtomicBool::new(false) }
    }

    /// The backlog is another than it was.
    pub(super) fn changed(&self, start: i64, end: i64) {
        self.start.store(start, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
    }

    /// Nothing is to go any more.
    pub(super) fn is_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// How far it is with the next offset at `position`; none once it is over.
    pub(super) fn at(&self, position: i64) -> Option<Loading> {
        let records = |from: i64, to: i64| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        let is_over = self.is_over.load(Ordering::Relaxed);
        (!is_over).then(|| Loading {
            done_records: records(self.start.load(Ordering::Relaxed), position),
            remaining_records: records(position, self.end.load(Ordering::Relaxed)),
            elapsed: self.begun.elapsed(),
        })
    }
}

/// Says of each table that is loading how far it is.
pub(super) fn say(partitions: &[PartitionStats]) {
    let tables = PartitionStats::loading_by_table(partitions);
    for (table, loading) in tables {
        tracing::info!(
            table,
            done_records = loading.done_records,
            remaining_records = loading.remaining_records,
            records_per_second = loading.records_per_second(),
            seconds_left = loading.time_left().map(|left| left.as_secs()),
            "loading"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_is_done_to_go_and_then_over() {
        let backlog = Backlogged::new(100, 300);
        let found =
            |position| backlog.at(position).map(|it| (it.done_records, it.remaining_records));
        assert_eq!(found(100), Some((0, 200)));
        assert_eq!(found(250), Some((150, 50)));
        backlog.changed(0, 50);
        assert_eq!(found(20), Some((20, 30)));
        backlog.is_over();
        assert_eq!(found(50), None);
    }
}
