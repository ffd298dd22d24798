//! The records that were rejected last, for somebody to look at: never what they said.
//!
//! One for all threads.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::stats::Rejection;

#[derive(Debug)]
pub(super) struct Rejections {
    most: usize,
    last: Mutex<VecDeque<Rejection>>,
}

impl Rejections {
    /// Keeps the last `most`.
    pub(super) fn keeping(most: usize) -> Self {
        Self { most, last: Mutex::new(VecDeque::with_capacity(most)) }
    }

    pub(super) fn push(&self, rejection: Rejection) {
        let mut last = self.lock();
        if last.len() >= self.most {
            last.pop_front();
        }
        if self.most > 0 {
            last.push_back(rejection);
        }
    }

    /// The newest first.
    pub(super) fn list(&self) -> Vec<Rejection> {
        self.lock().iter().rev().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Rejection>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Reject, Timestamp};

    fn offsets_kept(most: usize) -> Vec<i64> {
        let rejections = Rejections::keeping(most);
        for offset in 0..5 {
            rejections.push(Rejection {
                table: "t".into(),
                topic: "t".into(),
                partition: 0,
                offset,
                record_time: Timestamp::from_millis(0),
                reject_time: Timestamp::from_millis(0),
                reason: Reject::InvalidJson,
            });
        }
        rejections.list().iter().map(|rejection| rejection.offset).collect()
    }

    #[test]
    fn the_last_are_kept_and_no_more() {
        assert_eq!(offsets_kept(3), [4, 3, 2]);
        assert_eq!(offsets_kept(0), [0_i64; 0]);
    }
}
