//! One partition that a thread reads: the one owner of its progress.
//!
//! Holds the next offset, the offset at which the partition has caught up, where the log ends and
//! whether the partition has stalled. The client's own figures do not show a stall: a client that
//! has stalled says that there is nothing new. So a broker is asked for the end, and only of
//! partitions that have not moved. Every change is passed on to the books of each table that
//! reads the partition. This file must not know Kafka's client: it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::books::PartitionBooks;
use super::offsets::{OffsetReset, ResetReason};

/// For so long after a restart the client's statistics may still be about the time before it.
pub(super) const STATISTICS_DELAY: Duration = Duration::from_secs(3);

pub(super) struct Partition {
    next_offset: i64,
    /// Every record before this offset was read once. More than the next offset while records are
    /// being read again.
    read_to: i64,
    state: State,
    /// One for each table that reads the topic.
    books: Vec<Arc<PartitionBooks>>,
    seen_end: Option<SeenEnd>,
    /// When the client started last to fetch from the next offset.
    restarted: Option<Instant>,
    /// The position when it was looked at last.
    looked_at: i64,
    /// Set while the partition does not move although a broker has more.
    behind: Option<Behind>,
}

/// A partition that does not move although a broker has more.
#[derive(Debug, Clone, Copy)]
struct Behind {
    since: Instant,
    /// The end that the broker named first.
    end: i64,
    /// How many statistics of the client have not explained it.
    statistics: u32,
}

/// The first statistics may have been made before the broker was asked.
const TELLING_STATISTICS: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has not caught up yet.
    Loading { target: i64 },
    /// It has caught up once.
    Following,
    /// The topic does not have it any more.
    Removed,
}

/// Whether a change completed the loading of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Load {
    /// The partition has just caught up.
    Completed,
    /// It is still loading, or was loaded before.
    Unchanged,
}

/// The end of a partition as the client saw it, perhaps with records before it still queued.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenEnd {
    /// The offset; negative while the client has seen no end.
    pub(super) offset: i64,
    /// The high watermark at that time; negative while the client does not know it. It is larger
    /// if the client stands before an open transaction.
    pub(super) high_watermark: i64,
    /// How many records the thread has handled in all when that queue is empty.
    pub(super) after_records: u64,
}

impl SeenEnd {
    /// Of two, the one that is due sooner; the newer one if both are due at once.
    ///
    /// The queue's length includes statistics, errors and outdated fetches, which are no records.
    /// A thread that has nothing more to read never reaches a count that includes such. The
    /// count of a later, empty queue is reached at once.
    fn sooner_of(newer: Self, older: Option<Self>) -> Self {
        older.filter(|older| older.after_records < newer.after_records).unwrap_or(newer)
    }
}

impl Partition {
    /// A partition to read from `start`. It is loading up to `target`, if there is one.
    pub(super) fn new(start: i64, target: Option<i64>, books: Vec<Arc<PartitionBooks>>) -> Self {
        if target.is_none() {
            for each in &books {
                each.mark_loaded();
            }
        }
        Self {
            next_offset: start,
            read_to: start,
            state: target.map_or(State::Following, |target| State::Loading { target }),
            books,
            seen_end: None,
            restarted: None,
            looked_at: start,
            behind: None,
        }
    }

    /// The offset of the next record to handle.
    pub(super) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The offset up to which every record was read once: the next offset, or more.
    pub(super) fn read_to(&self) -> i64 {
        self.read_to.max(self.next_offset)
    }

    /// Whether the partition is read: the topic has not lost it, as far as we know.
    pub(super) fn is_assigned(&self) -> bool {
        self.state != State::Removed
    }

    pub(super) fn is_loading(&self) -> bool {
        matches!(self.state, State::Loading { .. })
    }

    /// The books of each table.
    pub(super) fn books(&self) -> &[Arc<PartitionBooks>] {
        &self.books
    }

    /// Notes that the record before `offset` is handled. The books know it already.
    pub(super) fn advance_to(&mut self, offset: i64) -> Load {
        self.next_offset = offset;
        match self.state {
            State::Loading { target } if offset >= target => self.complete_load(),
            _ => Load::Unchanged,
        }
    }

    fn complete_load(&mut self) -> Load {
        if !self.is_loading() {
            return Load::Unchanged;
        }
        self.state = State::Following;
        self.books.iter().for_each(|books| books.mark_loaded());
        Load::Completed
    }

    /// Notes the high watermark and the last stable offset in the client's statistics, and when a
    /// fetch brought them.
    pub(super) fn observe_watermarks(
        &mut self,
        high_watermark: i64,
        last_stable_offset: i64,
        learnt: Option<Instant>,
    ) {
        if self.has_just_restarted() {
            return;
        }
        if let Some(behind) = &mut self.behind {
            behind.statistics += 1;
        }
        if high_watermark < 0 {
            // The client does not know it.
            return;
        }
        let is_open = (0..high_watermark).contains(&last_stable_offset);
        let transaction = is_open.then_some(last_stable_offset);
        self.books.iter().for_each(|books| books.observe_open_transaction(transaction));
        // The client has fetched since the broker was asked, and there is nothing to read.
        let waits = transaction.is_some_and(|offset| offset <= self.next_offset);
        if waits && self.behind.is_some_and(|behind| behind.end <= high_watermark) {
            self.forget_stall();
        }
        // A broker that was asked knows better.
        if !self.is_behind() {
            self.books.iter().for_each(|books| books.observe_end(high_watermark, learnt));
        }
    }

    /// Notes that the client has seen the end of the partition, when the thread has handled
    /// `records` in all. The end is reached once the records queued before it are handled. The
    /// last offset may belong to no record: to a transaction's marker, or a compacted record.
    pub(super) fn observe_seen_end(&mut self, seen: SeenEnd, records: u64) -> Load {
        if self.has_just_restarted() {
            return Load::Unchanged;
        }
        let seen = SeenEnd::sooner_of(seen, self.seen_end);
        if records < seen.after_records {
            self.seen_end = Some(seen);
            return Load::Unchanged;
        }
        self.seen_end = None;
        if seen.offset < 0 {
            return Load::Unchanged;
        }
        self.next_offset = self.next_offset.max(seen.offset);
        self.books.iter().for_each(|books| books.advance_at_least_to(seen.offset));
        let is_end = seen.high_watermark >= 0 && seen.offset >= seen.high_watermark;
        match self.state {
            // The log has shrunk since the target was noted.
            State::Loading { .. } if is_end => self.complete_load(),
            State::Loading { target } if seen.offset >= target => self.complete_load(),
            // Between here and the target lies an open transaction.
            _ => Load::Unchanged,
        }
    }

    fn has_just_restarted(&self) -> bool {
        self.restarted.is_some_and(|restarted| restarted.elapsed() < STATISTICS_DELAY)
    }

    /// Notes that the client dropped its queue and fetches again from the next offset. An end
    /// that it saw before, or that a broker was asked for before, does not count any more.
    pub(super) fn restart(&mut self) {
        (self.seen_end, self.restarted) = (None, Some(Instant::now()));
    }

    /// Goes back to an earlier offset, to read again what was read before. The client has to do
    /// the same.
    pub(super) fn rewind(&mut self, offset: i64) {
        self.read_to = self.read_to();
        self.next_offset = offset;
        self.books.iter().for_each(|books| books.rewind(offset));
        self.restart();
    }

    /// Goes on from another offset.
    pub(super) fn reset(&mut self, reset: OffsetReset) -> Load {
        let OffsetReset { start, end, reason, .. } = reset;
        for books in &self.books {
            match reason {
                ResetReason::RetentionGap { records } => books.reset_over_gap(start, end, records),
                ResetReason::Recreated => books.reset_recreated(start, end),
            }
        }
        if reason == ResetReason::Recreated {
            self.read_to = start;
        }
        self.next_offset = start;
        self.restart();
        match self.state {
            State::Loading { .. } if start < end => {
                self.state = State::Loading { target: end };
                Load::Unchanged
            }
            State::Loading { .. } => self.complete_load(),
            State::Following | State::Removed => {
                self.state = State::Following;
                Load::Unchanged
            }
        }
    }

    /// Notes that the topic does not have the partition any more. So nothing of it is missing.
    pub(super) fn mark_removed(&mut self) -> Load {
        let load = self.complete_load();
        self.state = State::Removed;
        self.books.iter().for_each(|books| books.mark_removed());
        load
    }

    /// Notes the position for the next look. Whether a broker is to be asked for the end, since
    /// the partition has not moved since the last look.
    pub(super) fn look(&mut self) -> bool {
        let has_moved = self.looked_at != self.next_offset;
        self.looked_at = self.next_offset;
        if has_moved {
            self.behind = None;
        }
        !has_moved
    }

    /// Notes that a broker, asked at `asked`, said that the partition ends at `end`. Whether the
    /// partition has stalled: it has stood still below that end for so long.
    pub(super) fn observe_broker_end(
        &mut self,
        end: i64,
        asked: Instant,
        now: Instant,
        stall_timeout: Duration,
    ) -> bool {
        if self.was_restarted_since(asked) {
            return false;
        }
        if self.looked_at != self.next_offset || end <= self.next_offset {
            self.behind = None;
            return false;
        }
        let behind = *self.behind.get_or_insert(Behind { since: now, end, statistics: 0 });
        self.books.iter().for_each(|books| books.observe_end(end, Some(asked)));
        let stands = now.duration_since(behind.since);
        // An open transaction explains it, and only the client's statistics tell of one. They are
        // waited for a while.
        let is_unexplained = behind.statistics >= TELLING_STATISTICS;
        stands >= stall_timeout && (is_unexplained || stands >= stall_timeout + STATISTICS_DELAY)
    }

    /// The same for a paused partition, which cannot stall.
    pub(super) fn observe_broker_end_paused(&self, end: i64, asked: Instant) {
        if !self.was_restarted_since(asked) {
            self.books.iter().for_each(|books| books.observe_end(end, Some(asked)));
        }
    }

    fn was_restarted_since(&self, asked: Instant) -> bool {
        self.restarted.is_some_and(|restarted| restarted >= asked)
    }

    /// Whether a broker said that there is more, and nothing of that has come yet. Then the
    /// client's own figures are not to be trusted.
    fn is_behind(&self) -> bool {
        self.behind.is_some() && self.looked_at == self.next_offset
    }

    /// Forgets since when the partition is behind, because something else explains it: a broker
    /// that does not answer, a pause, a new client, an open transaction.
    pub(super) fn forget_stall(&mut self) {
        self.behind = None;
    }
}

#[cfg(test)]
mod tests;
