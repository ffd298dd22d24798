//! How far one partition has come as the source of one table, and its books.
//!
//! One thread writes, anyone reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use super::loading::Backlogged;
use super::realign::{Jump, Why};
use super::tally::{self, Tally};
use crate::health::{Beginning, Progress, TableHandle};
use crate::record::{Origin, Reject, Timestamp};
use crate::stats::{Outcome, PartitionStats, Rejection};

const NOTHING_YET: i64 = i64::MIN;

#[derive(Debug)]
pub(super) struct Position {
    table: Arc<str>,
    topic: Arc<str>,
    partition: i32,
    progress: Arc<Progress>,
    high_watermark: AtomicI64,
    newest_millis: AtomicI64,
    payload_bytes: AtomicU64,
    gap_records: AtomicU64,
    restarts: AtomicU64,
    rebuilds: AtomicU64,
    backlog: Backlogged,
    tally: Tally,
}

impl Position {
    /// Of a table at the beginning of a partition.
    pub(super) fn new(table: &TableHandle, topic: &str, beginning: Beginning) -> Self {
        Self {
            table: table.name().into(),
            topic: topic.into(),
            partition: beginning.partition,
            progress: table.begin(beginning),
            high_watermark: AtomicI64::new(beginning.end),
            newest_millis: AtomicI64::new(NOTHING_YET),
            payload_bytes: AtomicU64::new(0),
            gap_records: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            rebuilds: AtomicU64::new(0),
            backlog: Backlogged::new(beginning.start, beginning.end),
            tally: Tally::default(),
        }
    }

    /// What positions are ordered by.
    pub(super) fn place(&self) -> (&str, &str, i32) {
        (&self.table, &self.topic, self.partition)
    }

    /// A record was polled: it is to be booked, and then it is settled.
    pub(super) fn polled(&self) {
        self.tally.polled();
    }

    /// Books what became of it.
    pub(super) fn record(
        &self,
        origin: Origin,
        now: Timestamp,
        payload_bytes: usize,
        outcome: Outcome,
    ) {
        self.tally.books(outcome);
        tally::add(&self.payload_bytes, payload_bytes as u64);
        self.newest_millis.fetch_max(origin.time.min(now).as_millis(), Ordering::Relaxed);
        self.high_watermark.fetch_max(origin.offset + 1, Ordering::Relaxed);
        // Last: whoever waits for it finds the record booked.
        self.progress.is_at(origin.offset + 1);
    }

    /// The handling of the record that was polled last is over.
    pub(super) fn settles(&self) {
        self.tally.settles();
    }

    /// Everything before `offset` is handled.
    pub(super) fn reached(&self, offset: i64) {
        self.high_watermark.fetch_max(offset, Ordering::Relaxed);
        self.progress.is_at_least_at(offset);
    }

    /// The broker says that the partition reaches up to `offset`, not counting what may
    /// have been handled since it said so. None where it is not known when it did.
    pub(super) fn ends_at(&self, offset: i64, learnt: Option<Instant>) {
        let end = offset.max(self.progress.next_offset());
        self.high_watermark.store(end, Ordering::Relaxed);
        if let Some(learnt) = learnt {
            self.progress.ends_at(offset, learnt);
        }
    }

    /// Offset of the next record to handle.
    pub(super) fn next_offset(&self) -> i64 {
        self.progress.next_offset()
    }

    /// Goes on from `jump`'s start, and books why.
    pub(super) fn jump(&self, jump: Jump) {
        match jump.why {
            Why::Cut { records } => self.gap_records.fetch_add(records, Ordering::Relaxed),
            Why::MadeAnew => self.restarts.fetch_add(1, Ordering::Relaxed),
        };
        self.backlog.changed(jump.start, jump.end);
        self.high_watermark.store(jump.end, Ordering::Relaxed);
        // When that was the end is told with the next statistics.
        self.progress.goes_on_from(jump.start);
    }

    /// Its topic does not have the partition any more.
    pub(super) fn is_gone(&self) {
        self.progress.is_gone();
    }

    /// Its backlog is read.
    pub(super) fn has_loaded(&self) {
        self.backlog.is_over();
    }

    /// A record of this partition that was rejected.
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

    /// Books that the client was made anew because of this partition.
    pub(super) fn rebuilt(&self) {
        self.rebuilds.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> PartitionStats {
        let tallied = self.tally.read();
        let newest = self.newest_millis.load(Ordering::Relaxed);
        PartitionStats {
            table: self.table.to_string(),
            topic: self.topic.to_string(),
            partition: self.partition,
            position: self.progress.next_offset(),
            high_watermark: self.high_watermark.load(Ordering::Relaxed),
            newest_record_time: (newest != NOTHING_YET).then(|| Timestamp::from_millis(newest)),
            payload_bytes: self.payload_bytes.load(Ordering::Relaxed),
            gap_records: self.gap_records.load(Ordering::Relaxed),
            restart_count: self.restarts.load(Ordering::Relaxed),
            rebuild_count: self.rebuilds.load(Ordering::Relaxed),
            loading: self.backlog.at(self.next_offset()),
            polled_count: tallied.polled_count,
            outcomes: Outcome::all().zip(tallied.outcomes).collect(),
            is_settled: tallied.is_settled,
        }
    }
}
