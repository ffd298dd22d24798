//! How far a table has come in one partition, and when it was last known to be complete.
//!
//! One thread writes, without a lock. Any thread reads, or waits until an offset is handled.
//! The writer wakes waiters only when it passes an offset that somebody waits for, so that a
//! record costs it one store, one fence and one load.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Stands for no time; times are counted from one.
const NEVER: u64 = 0;
const NO_OFFSET: i64 = -1;
const NOBODY_WAITS: i64 = i64::MAX;

/// Where a table starts to read a partition.
#[derive(Debug, Clone, Copy)]
pub struct PartitionStart {
    /// Number of the partition.
    pub partition: i32,
    /// The first offset to handle.
    pub start: i64,
    /// The partition's high watermark.
    pub end: i64,
    /// When the broker was asked for it.
    pub learnt: Instant,
}

/// A table's progress in one partition.
#[derive(Debug)]
pub struct Progress {
    clock: Instant,
    next_offset: AtomicI64,
    /// The high watermark that was observed last.
    known_end: AtomicI64,
    /// When it was observed.
    learnt_at: AtomicU64,
    /// The newest time at which an earlier known end had been reached.
    complete_at: AtomicU64,
    /// Where the oldest open transaction begins.
    open_transaction: AtomicI64,
    /// The least offset that somebody waits for.
    awaited: AtomicI64,
    reached: Notify,
    is_removed: AtomicBool,
}

impl Progress {
    /// The progress in a partition that is not read yet, so that it is not complete. Times are kept
    /// as milliseconds since `clock`.
    pub(super) fn expected(clock: Instant) -> Self {
        Self {
            clock,
            next_offset: AtomicI64::new(0),
            known_end: AtomicI64::new(0),
            learnt_at: AtomicU64::new(NEVER),
            complete_at: AtomicU64::new(NEVER),
            open_transaction: AtomicI64::new(NO_OFFSET),
            awaited: AtomicI64::new(NOBODY_WAITS),
            reached: Notify::new(),
            is_removed: AtomicBool::new(false),
        }
    }

    /// Notes that the topic has the partition, again if it was removed, and that it is not read
    /// yet.
    pub(super) fn expect(&self) {
        self.next_offset.store(0, Ordering::Relaxed);
        self.learnt_at.store(NEVER, Ordering::Relaxed);
        self.complete_at.store(NEVER, Ordering::Relaxed);
        self.is_removed.store(false, Ordering::Relaxed);
    }

    /// Goes on from `start`.
    pub(super) fn start(&self, start: PartitionStart) {
        self.observe_end(start.end, start.learnt);
        self.reset_to(start.start);
    }

    /// The offset of the next record to handle.
    pub fn next_offset(&self) -> i64 {
        self.next_offset.load(Ordering::Acquire)
    }

    /// Notes that `offset` is the next to handle. It may be lower than before: the offsets of a
    /// recreated topic start again.
    pub fn advance_to(&self, offset: i64) {
        self.next_offset.store(offset, Ordering::Release);
        self.wake(offset);
    }

    /// Goes on from `offset` after an offset reset, also in a partition that was removed.
    pub fn reset_to(&self, offset: i64) {
        self.is_removed.store(false, Ordering::Relaxed);
        self.observe_open_transaction(None);
        self.advance_to(offset);
    }

    /// Notes that the topic does not have the partition any more, so that no record of it can
    /// be missing.
    pub fn mark_removed(&self) {
        self.is_removed.store(true, Ordering::Relaxed);
    }

    /// Whether the topic does not have the partition any more.
    pub(super) fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Relaxed)
    }

    /// Notes that everything before `offset` is handled, if not more.
    pub fn advance_at_least_to(&self, offset: i64) {
        let before = self.next_offset.fetch_max(offset, Ordering::Release);
        self.wake(before.max(offset));
    }

    /// Notes that the partition ended at `end` at the time `learnt`.
    pub fn observe_end(&self, end: i64, learnt: Instant) {
        if let Some(complete_at) = self.complete_by_known_end() {
            self.complete_at.fetch_max(complete_at, Ordering::Relaxed);
        }
        // The end first: a reader that sees the time sees the end too.
        self.known_end.store(end, Ordering::Release);
        self.learnt_at.store(self.millis(learnt), Ordering::Release);
    }

    /// Notes where the oldest open transaction begins, if there is one. Nothing after it can be
    /// read until it ends.
    pub fn observe_open_transaction(&self, offset: Option<i64>) {
        self.open_transaction.store(offset.unwrap_or(NO_OFFSET), Ordering::Relaxed);
    }

    /// Where the oldest open transaction begins; none if all that the partition has can be read.
    pub fn open_transaction(&self) -> Option<i64> {
        let offset = self.open_transaction.load(Ordering::Relaxed);
        (offset >= self.next_offset()).then_some(offset)
    }

    /// The open transaction that the next record waits for, if it waits for one.
    pub fn awaited_transaction(&self) -> Option<i64> {
        self.open_transaction().filter(|&offset| offset == self.next_offset())
    }

    /// The newest time at which every record of the partition is known to have been handled.
    pub(super) fn complete_at(&self) -> Option<Instant> {
        let earlier = self.complete_at.load(Ordering::Relaxed);
        let millis = self.complete_by_known_end().unwrap_or(NEVER).max(earlier);
        (millis != NEVER).then(|| self.clock + Duration::from_millis(millis - 1))
    }

    /// How long ago, at `now`, every record that the partition had was handled; none before that was
    /// known. Zero where the topic does not have the partition any more: no record can be missing.
    pub fn staleness(&self, now: Instant) -> Option<Duration> {
        if self.is_removed() {
            return Some(Duration::ZERO);
        }
        self.complete_at().map(|complete_at| now.saturating_duration_since(complete_at))
    }

    fn complete_by_known_end(&self) -> Option<u64> {
        let learnt_at = self.learnt_at.load(Ordering::Acquire);
        let known_end = self.known_end.load(Ordering::Acquire);
        (self.next_offset() >= known_end).then_some(learnt_at)
    }

    /// Whether the record at `offset` is handled.
    pub fn has_handled(&self, offset: i64) -> bool {
        self.next_offset.load(Ordering::Acquire) > offset
    }

    /// Returns when the record at `offset` is handled.
    pub async fn wait_until_handled(&self, offset: i64) {
        while !self.has_handled(offset) {
            let mut reached = std::pin::pin!(self.reached.notified());
            reached.as_mut().enable();
            self.awaited.fetch_min(offset, Ordering::SeqCst);
            // Either this sees the new position, or its writer sees that it is awaited.
            fence(Ordering::SeqCst);
            if !self.has_handled(offset) {
                reached.await;
            }
        }
    }

    fn wake(&self, next_offset: i64) {
        fence(Ordering::SeqCst);
        if next_offset > self.awaited.load(Ordering::Relaxed) {
            // Those that wait for a later offset say so again.
            self.awaited.store(NOBODY_WAITS, Ordering::SeqCst);
            self.reached.notify_waiters();
        }
    }

    fn millis(&self, time: Instant) -> u64 {
        let millis = time.saturating_duration_since(self.clock).as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn progress(start: i64, end: i64) -> (Progress, Instant) {
        let clock = Instant::now();
        let progress = Progress::expected(clock);
        progress.start(PartitionStart { partition: 0, start, end, learnt: clock });
        (progress, clock)
    }

    #[test]
    fn a_partition_is_complete_as_of_the_newest_end_that_was_reached() {
        let (progress, clock) = progress(5, 10);
        assert_eq!(progress.complete_at(), None);
        progress.advance_to(10);
        assert_eq!(progress.complete_at(), Some(clock));
        progress.observe_end(12, clock + SECOND);
        assert_eq!(progress.complete_at(), Some(clock), "the older end was reached");
        progress.advance_to(12);
        assert_eq!(progress.complete_at(), Some(clock + SECOND));
        progress.observe_end(12, clock + 2 * SECOND);
        assert_eq!(progress.complete_at(), Some(clock + 2 * SECOND));
    }

    #[test]
    fn an_end_that_is_passed_over_still_counts() {
        let (progress, clock) = progress(0, 0);
        progress.observe_end(10, clock + SECOND);
        progress.advance_at_least_to(11);
        progress.observe_end(20, clock + 2 * SECOND);
        assert_eq!(progress.complete_at(), Some(clock + SECOND));
    }

    #[test]
    fn a_partition_that_is_expected_is_not_complete_until_it_is_read_to_its_end() {
        let (progress, clock) = progress(3, 3);
        assert_eq!(progress.complete_at(), Some(clock));
        progress.mark_removed();
        progress.expect();
        assert_eq!((progress.complete_at(), progress.is_removed()), (None, false));
        assert!(!progress.has_handled(0), "its offsets are those of another log");
        progress.start(PartitionStart { partition: 0, start: 0, end: 2, learnt: clock + SECOND });
        assert_eq!(progress.complete_at(), None);
        progress.advance_to(2);
        assert_eq!(progress.complete_at(), Some(clock + SECOND));
    }

    #[test]
    fn a_partition_is_as_stale_as_its_newest_end_that_was_reached_and_never_once_it_is_removed() {
        let (progress, clock) = progress(0, 10);
        let staleness = || progress.staleness(clock + 3 * SECOND);
        assert_eq!(staleness(), None);
        progress.advance_to(10);
        assert_eq!(staleness(), Some(3 * SECOND));
        progress.observe_end(10, clock + 2 * SECOND);
        assert_eq!(staleness(), Some(SECOND));
        progress.mark_removed();
        assert_eq!(staleness(), Some(Duration::ZERO));
    }

    #[test]
    fn an_open_transaction_is_known_until_it_is_passed_and_awaited_once_it_is_reached() {
        let (progress, _) = progress(0, 10);
        let transaction = |position| {
            progress.advance_to(position);
            (progress.open_transaction(), progress.awaited_transaction())
        };
        progress.observe_open_transaction(Some(5));
        assert_eq!(transaction(3), (Some(5), None));
        assert_eq!(transaction(5), (Some(5), Some(5)));
        assert_eq!(transaction(6), (None, None));
        progress.reset_to(0);
        assert_eq!(transaction(0), (None, None), "that was in another log");
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_their_own_offset_only() {
        let (progress, _) = progress(0, 0);
        let progress = Arc::new(progress);
        let waits = |offset| {
            let progress = Arc::clone(&progress);
            tokio::spawn(async move { progress.wait_until_handled(offset).await })
        };
        let (seven, nine) = (waits(7), waits(9));
        tokio::task::yield_now().await;
        progress.advance_to(8);
        seven.await.unwrap();
        assert!(!nine.is_finished());
        progress.advance_at_least_to(10);
        nine.await.unwrap();
        progress.wait_until_handled(9).await;
    }

    #[tokio::test]
    async fn no_offset_is_missed_however_a_wait_and_a_write_meet() {
        for _ in 0..2_000 {
            let (progress, _) = progress(0, 0);
            let progress = Arc::new(progress);
            let writer = Arc::clone(&progress);
            let thread = thread::spawn(move || writer.advance_to(1));
            progress.wait_until_handled(0).await;
            thread.join().unwrap();
        }
    }
}
