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
    state: State,
    /// One for each table that reads the topic.
    books: Vec<Arc<PartitionBooks>>,
    seen_end: Option<SeenEnd>,
    /// When the client started last to fetch from the next offset.
    restarted: Option<Instant>,
    /// The position when it was looked at last.
    looked_at: i64,
    /// Since when the partition has not moved although a broker has more.
    behind_since: Option<Instant>,
}

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
            state: target.map_or(State::Following, |target| State::Loading { target }),
            books,
            seen_end: None,
            restarted: None,
            looked_at: start,
            behind_since: None,
        }
    }

    /// The offset of the next record to handle.
    pub(super) fn next_offset(&self) -> i64 {
        self.next_offset
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

    /// Notes the high watermark in the client's statistics, and when a fetch brought it.
    pub(super) fn observe_watermark(&self, offset: i64, learnt: Option<Instant>) {
        // Negative while the client does not know it. A broker that was asked knows better.
        if offset >= 0 && !self.has_just_restarted() && !self.is_behind() {
            self.books.iter().for_each(|books| books.observe_end(offset, learnt));
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
        // Even below the target: then the log has shrunk since that was noted.
        self.complete_load()
    }

    fn has_just_restarted(&self) -> bool {
        self.restarted.is_some_and(|restarted| restarted.elapsed() < STATISTICS_DELAY)
    }

    /// Notes that the client dropped its queue and fetches again from the next offset. An end
    /// that it saw before, or that a broker was asked for before, does not count any more.
    pub(super) fn restart(&mut self) {
        (self.seen_end, self.restarted) = (None, Some(Instant::now()));
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
            self.behind_since = None;
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
            self.behind_since = None;
            return false;
        }
        let since = *self.behind_since.get_or_insert(now);
        self.books.iter().for_each(|books| books.observe_end(end, Some(asked)));
        now.duration_since(since) >= stall_timeout
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
        self.behind_since.is_some() && self.looked_at == self.next_offset
    }

    /// Forgets since when the partition is behind, because something else explains it: a broker
    /// that does not answer, a pause, a new client.
    pub(super) fn forget_stall(&mut self) {
        self.behind_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALL_TIMEOUT: Duration = Duration::from_secs(60);

    fn loading_to(target: i64) -> Partition {
        Partition::new(0, Some(target), Vec::new())
    }

    fn seen(after_records: u64) -> SeenEnd {
        SeenEnd { offset: 10, after_records }
    }

    #[test]
    fn a_partition_has_caught_up_once_when_it_reaches_its_target() {
        let mut partition = loading_to(3);
        assert_eq!(partition.advance_to(2), Load::Unchanged);
        assert_eq!(partition.advance_to(3), Load::Completed);
        assert_eq!(partition.advance_to(4), Load::Unchanged);
    }

    #[test]
    fn an_end_is_reached_once_all_that_was_queued_before_it_is_handled() {
        let mut partition = loading_to(10);
        assert_eq!(partition.observe_seen_end(seen(7), 3), Load::Unchanged);
        // The queue is longer by what came meanwhile, which is not waited for.
        assert_eq!(partition.observe_seen_end(seen(20), 7), Load::Completed);
        assert_eq!(partition.next_offset(), 10);
    }

    #[test]
    fn what_is_queued_and_is_no_record_does_not_keep_an_end_from_being_reached() {
        let mut partition = loading_to(10);
        // Seven records and an error are queued: there will be no eighth record.
        assert_eq!(partition.observe_seen_end(seen(8), 0), Load::Unchanged);
        assert_eq!(partition.observe_seen_end(seen(7), 7), Load::Completed);
    }

    #[test]
    fn an_end_that_was_seen_before_a_restart_does_not_count() {
        let mut partition = loading_to(10);
        assert_eq!(partition.observe_seen_end(seen(7), 3), Load::Unchanged);
        partition.restart();
        assert_eq!(partition.observe_seen_end(seen(7), 7), Load::Unchanged);
        assert!(partition.is_loading());
    }

    #[test]
    fn a_reset_moves_the_target_of_a_loading_partition_or_completes_it() {
        let reset =
            |start, end| OffsetReset { partition: 0, start, end, reason: ResetReason::Recreated };
        let mut partition = loading_to(10);
        assert_eq!(partition.reset(reset(0, 4)), Load::Unchanged);
        assert_eq!(partition.advance_to(4), Load::Completed);
        assert_eq!(loading_to(10).reset(reset(5, 5)), Load::Completed);
        assert_eq!(partition.reset(reset(0, 9)), Load::Unchanged);
        assert!(!partition.is_loading(), "what has caught up once stays so");
    }

    #[test]
    fn a_removed_partition_holds_nothing_up_and_is_read_again_after_a_reset() {
        let mut partition = loading_to(10);
        assert_eq!(partition.mark_removed(), Load::Completed);
        assert!(!partition.is_assigned());
        let reset = OffsetReset { partition: 0, start: 0, end: 5, reason: ResetReason::Recreated };
        assert_eq!(partition.reset(reset), Load::Unchanged);
        assert!(partition.is_assigned());
    }

    /// Whether each look, ten seconds apart, finds a stall.
    fn looks(seen: &[(i64, i64)]) -> Vec<bool> {
        let (mut partition, start) = (Partition::new(0, None, Vec::new()), Instant::now());
        let looks = seen.iter().zip(0..).map(|(&(position, end), n)| {
            let now = start + n * Duration::from_secs(10);
            let _ = partition.advance_to(position);
            partition.look() && partition.observe_broker_end(end, now, now, STALL_TIMEOUT)
        });
        looks.collect()
    }

    #[test]
    fn a_partition_that_stands_still_below_its_end_has_stalled() {
        let seen = [(0, 5), (0, 6), (0, 7), (0, 8), (0, 9), (0, 10), (0, 11)];
        let expected = [false, false, false, false, false, false, true];
        assert_eq!(looks(&seen), expected);
    }

    #[test]
    fn one_that_comes_on_or_has_nothing_to_read_has_not() {
        assert!(!looks(&(0..20).map(|n| (n, 100)).collect::<Vec<_>>()).contains(&true));
        assert!(!looks(&[(7, 7); 20]).contains(&true));
    }

    #[test]
    fn what_just_came_has_not_been_waiting() {
        let idle_then_behind: Vec<_> = [(7, 7); 20].into_iter().chain([(7, 8), (7, 9)]).collect();
        assert!(!looks(&idle_then_behind).contains(&true));
    }

    #[test]
    fn one_that_stands_behind_is_known_to_be_until_it_comes_on() {
        let (mut partition, now) = (Partition::new(0, None, Vec::new()), Instant::now());
        let _ = partition.advance_to(7);
        assert!(!partition.look() && !partition.is_behind());
        partition.observe_broker_end(7, now, now, STALL_TIMEOUT);
        assert!(!partition.is_behind(), "it ends there");
        partition.observe_broker_end(8, now, now, STALL_TIMEOUT);
        assert!(partition.is_behind());
        let _ = partition.advance_to(8);
        assert!(!partition.is_behind());
        let _ = partition.advance_to(7);
        partition.forget_stall();
        assert!(!partition.is_behind());
    }

    #[test]
    fn an_end_that_was_asked_for_before_a_restart_proves_no_stall() {
        let (mut partition, asked) = (Partition::new(7, None, Vec::new()), Instant::now());
        partition.look();
        partition.restart();
        let later = asked + 2 * STALL_TIMEOUT;
        partition.observe_broker_end(9, asked, later, Duration::ZERO);
        assert!(!partition.is_behind());
        partition.observe_broker_end(9, later, later, STALL_TIMEOUT);
        assert!(partition.is_behind());
    }
}
