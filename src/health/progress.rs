//! How far a table has come in one partition, and as of when that is known to be all.
//!
//! One thread writes, without a lock; anyone reads, or waits for an offset. Only where
//! somebody waits for the offset that was reached is anybody woken.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Stands for no time; times are counted from one.
const NEVER: u64 = 0;
const NOBODY_WAITS: i64 = i64::MAX;

/// Where a table begins to read a partition.
#[derive(Debug, Clone, Copy)]
pub struct Beginning {
    /// Number of the partition.
    pub partition: i32,
    /// The first offset to handle.
    pub start: i64,
    /// Where the partition ended.
    pub end: i64,
    /// When it did so, or a little before.
    pub learnt: Instant,
}

/// A table's progress in one partition.
#[derive(Debug)]
pub struct Progress {
    clock: Instant,
    next_offset: AtomicI64,
    known_end: AtomicI64,
    /// When the known end was the end.
    learnt_at: AtomicU64,
    /// When all that there was had been handled, by an end that was known earlier.
    complete_at: AtomicU64,
    /// The least offset that somebody waits for.
    awaited: AtomicI64,
    reached: Notify,
    is_there: AtomicBool,
}

impl Progress {
    /// From a beginning; what is read of a clock is counted from `clock`.
    pub(super) fn new(clock: Instant, beginning: Beginning) -> Self {
        let Beginning { start, end, learnt, .. } = beginning;
        let progress = Self {
            clock,
            next_offset: AtomicI64::new(start),
            known_end: AtomicI64::new(end),
            learnt_at: AtomicU64::new(NEVER),
            complete_at: AtomicU64::new(NEVER),
            awaited: AtomicI64::new(NOBODY_WAITS),
            reached: Notify::new(),
            is_there: AtomicBool::new(true),
        };
        progress.learnt_at.store(progress.millis(learnt), Ordering::Relaxed);
        progress
    }

    /// The offset of the next record to handle.
    pub fn next_offset(&self) -> i64 {
        self.next_offset.load(Ordering::Relaxed)
    }

    /// Everything before `offset` is handled, and it is the next. Not the highest so far: in
    /// a topic that was made anew offsets begin again.
    pub fn is_at(&self, offset: i64) {
        self.next_offset.store(offset, Ordering::Release);
        self.wake(offset);
    }

    /// The partition goes on from `offset`: its log was cut or made anew.
    pub fn goes_on_from(&self, offset: i64) {
        self.is_there.store(true, Ordering::Relaxed);
        self.is_at(offset);
    }

    /// The topic does not have the partition any more: nothing of it is missing.
    pub fn is_gone(&self) {
        self.is_there.store(false, Ordering::Relaxed);
    }

    /// Whether the topic has the partition.
    pub(super) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    /// Everything before `offset` is handled, if not more.
    pub fn is_at_least_at(&self, offset: i64) {
        let before = self.next_offset.fetch_max(offset, Ordering::Release);
        self.wake(before.max(offset));
    }

    /// At `learnt` the partition ended at `end`.
    pub fn ends_at(&self, end: i64, learnt: Instant) {
        if let Some(complete_at) = self.complete_by_known_end() {
            self.complete_at.fetch_max(complete_at, Ordering::Relaxed);
        }
        // The end first: who sees the time sees the end too.
        self.known_end.store(end, Ordering::Release);
        self.learnt_at.store(self.millis(learnt), Ordering::Release);
    }

    /// When all that the partition had was handled, as far as it is known.
    pub(super) fn complete_at(&self) -> Option<Instant> {
        let earlier = self.complete_at.load(Ordering::Relaxed);
        let millis = self.complete_by_known_end().unwrap_or(NEVER).max(earlier);
        (millis != NEVER).then(|| self.clock + Duration::from_millis(millis - 1))
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
    pub async fn handles(&self, offset: i64) {
        while !self.has_handled(offset) {
            let mut reached = std::pin::pin!(self.reached.notified());
            reached.as_mut().enable();
            self.awaited.fetch_min(offset, Ordering::SeqCst);
            // Either this sees the new position, or who wrote it sees that it is awaited.
            fence(Ordering::SeqCst);
            if !self.has_handled(offset) {
                reached.await;
            }
        }
    }

    fn wake(&self, next_offset: i64) {
        fence(Ordering::SeqCst);
        if next_offset > self.awaited.load(Ordering::Relaxed) {
            // Who waits for more says so again.
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
        (Progress::new(clock, Beginning { partition: 0, start, end, learnt: clock }), clock)
    }

    #[test]
    fn a_partition_is_complete_as_of_the_newest_end_that_was_reached() {
        let (progress, clock) = progress(5, 10);
        assert_eq!(progress.complete_at(), None);
        progress.is_at(10);
        assert_eq!(progress.complete_at(), Some(clock));
        progress.ends_at(12, clock + SECOND);
        assert_eq!(progress.complete_at(), Some(clock), "the older end was reached");
        progress.is_at(12);
        assert_eq!(progress.complete_at(), Some(clock + SECOND));
        progress.ends_at(12, clock + 2 * SECOND);
        assert_eq!(progress.complete_at(), Some(clock + 2 * SECOND));
    }

    #[test]
    fn an_end_that_is_passed_over_still_counts() {
        let (progress, clock) = progress(0, 0);
        progress.ends_at(10, clock + SECOND);
        progress.is_at_least_at(11);
        progress.ends_at(20, clock + 2 * SECOND);
        assert_eq!(progress.complete_at(), Some(clock + SECOND));
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_their_own_offset_only() {
        let (progress, _) = progress(0, 0);
        let progress = Arc::new(progress);
        let waits = |offset| {
            let progress = Arc::clone(&progress);
            tokio::spawn(async move { progress.handles(offset).await })
        };
        let (seven, nine) = (waits(7), waits(9));
        tokio::task::yield_now().await;
        progress.is_at(8);
        seven.await.unwrap();
        assert!(!nine.is_finished());
        progress.is_at_least_at(10);
        nine.await.unwrap();
        progress.handles(9).await;
    }

    #[tokio::test]
    async fn no_offset_is_missed_however_a_wait_and_a_write_meet() {
        for _ in 0..2_000 {
            let (progress, _) = progress(0, 0);
            let progress = Arc::new(progress);
            let writer = Arc::clone(&progress);
            let thread = thread::spawn(move || writer.is_at(1));
            progress.handles(0).await;
            thread.join().unwrap();
        }
    }
}
