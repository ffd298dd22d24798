//! Sheds callers while memory is short: refuses charges, ends calls that wait, drops answers.
//!
//! Owns the list of the answers that hold bytes of the pool, and the counts of what was shed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;

use crate::stats::ShedCause;

/// An answer that holds bytes of the pool and waits for its caller to read it.
pub(in crate::rpc) trait UnsentAnswer: std::fmt::Debug + Send + Sync {
    /// The bytes that dropping it would free.
    fn held_bytes(&self) -> usize;

    /// Drops what is left of it, and counts the cause.
    fn drop_rest(&self, cause: ShedCause);
}

#[derive(Debug, Default)]
pub(super) struct Shedding {
    is_on: AtomicBool,
    waiting: Notify,
    answers: Answers,
    counts: [AtomicU64; ShedCause::ALL.len()],
    dropped_bytes: AtomicU64,
}

type Answers = Arc<Mutex<Slab<Weak<dyn UnsentAnswer>>>>;

/// The place of an answer in the list.
#[derive(Debug)]
pub(in crate::rpc) struct AnswerEntry {
    answers: Answers,
    place: usize,
}

impl Drop for AnswerEntry {
    fn drop(&mut self) {
        self.answers.lock().try_remove(self.place);
    }
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

    pub(super) fn list<A: UnsentAnswer + 'static>(&self, answer: &Arc<A>) -> AnswerEntry {
        let answer: Weak<A> = Arc::downgrade(answer);
        let place = self.answers.lock().insert(answer);
        AnswerEntry { answers: Arc::clone(&self.answers), place }
    }

    /// Drops the largest answers, until they add up to this many bytes.
    pub(super) fn drop_answers(&self, bytes: usize) {
        // Copied, since an answer that is dropped may leave the list.
        let mut answers: Vec<_> =
            self.answers.lock().iter().filter_map(|(_, answer)| answer.upgrade()).collect();
        answers.sort_by_cached_key(|answer| std::cmp::Reverse(answer.held_bytes()));
        let mut dropped_bytes = 0;
        for answer in answers {
            let held_bytes = answer.held_bytes();
            if dropped_bytes >= bytes || held_bytes == 0 {
                break;
            }
            answer.drop_rest(ShedCause::MemoryShort);
            dropped_bytes += held_bytes;
        }
        self.dropped_bytes.fetch_add(dropped_bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count(&self, cause: ShedCause) {
        self.counts[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Vec<(ShedCause, u64)> {
        let count = |cause| (cause, self.counts[cause as usize].load(Ordering::Relaxed));
        ShedCause::ALL.map(count).into()
    }

    pub(super) fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes.load(Ordering::Relaxed)
    }
}
