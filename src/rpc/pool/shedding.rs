//! Sheds callers while memory is short: refuses charges, and ends calls that wait.
//!
//! Owns whether memory is short, and the counts of what was shed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::stats::ShedCause;

#[derive(Debug, Default)]
pub(super) struct Shedding {
    is_on: AtomicBool,
    waiting: Notify,
    counts: [AtomicU64; ShedCause::ALL.len()],
    dropped_bytes: AtomicU64,
}

impl Shedding {
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Refuses charges from now on, and ends the calls that wait.
    pub(super) fn begin(&self) {
        self.is_on.store(true, Ordering::Relaxed);
        self.waiting.notify_waiters();
    }

    pub(super) fn end(&self) {
        self.is_on.store(false, Ordering::Relaxed);
    }

    /// Ends when shedding begins, or goes on.
    pub(super) async fn wait(&self) {
        self.waiting.notified().await;
    }

    pub(super) fn count(&self, cause: ShedCause) {
        self.counts[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_dropped_bytes(&self, bytes: usize) {
        self.dropped_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Vec<(ShedCause, u64)> {
        let count = |cause| (cause, self.counts[cause as usize].load(Ordering::Relaxed));
        ShedCause::ALL.map(count).into()
    }

    pub(super) fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes.load(Ordering::Relaxed)
    }
}
