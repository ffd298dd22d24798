//! Why entries are evicted: to make room for newer ones, or because the memory of the process was
//! short.
//!
//! What was evicted for pressure fits into the table again once memory is not short any more. So
//! this remembers from where on the stream has it. What was evicted for room would not fit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::counts::Removal;
use super::miss_reason::Ghost;
use super::quota::Quota;
use crate::record::{Recency, Timestamp};

#[derive(Debug, Default)]
pub(super) struct Evictions {
    /// The lowest offset, in each partition, of what was evicted for pressure.
    lost: Mutex<BTreeMap<i32, i64>>,
    has_lost: AtomicBool,
}

impl Evictions {
    /// Why an entry is evicted at `now`, and the ghost entry that stays of it. An entry that leaves
    /// while the limit is lowered would fit without that.
    pub(super) fn evict(
        &self,
        quota: &Quota,
        recency: Recency,
        now: Timestamp,
    ) -> (Removal, Ghost) {
        if !quota.is_lowered() {
            return (Removal::Evicted, Ghost::evicted(recency, now));
        }
        let Recency { partition, offset, .. } = recency;
        let mut lost = self.lost.lock();
        let lowest = lost.entry(partition).or_insert(offset);
        *lowest = offset.min(*lowest);
        self.has_lost.store(true, Ordering::Relaxed);
        (Removal::EvictedForPressure, Ghost::evicted_for_pressure(recency, now))
    }

    /// Takes the partitions among these of which something was evicted for pressure, each with the
    /// lowest offset of that.
    pub(super) fn take_lost(&self, is_wanted: impl Fn(i32) -> bool) -> Vec<(i32, i64)> {
        // Nearly always there is nothing, and no lock is taken.
        if !self.has_lost.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut lost = self.lost.lock();
        let mut taken: Vec<_> =
            lost.iter().map(|(&partition, &offset)| (partition, offset)).collect();
        taken.retain(|&(partition, _)| is_wanted(partition));
        lost.retain(|&partition, _| !is_wanted(partition));
        self.has_lost.store(!lost.is_empty(), Ordering::Relaxed);
        taken
    }

    /// Forgets what was evicted of a partition, whose offsets mean something else now.
    pub(super) fn forget_partition(&self, partition: i32) {
        self.take_lost(|lost| lost == partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY_BYTES: u64 = 1 << 20;

    fn evict(evictions: &Evictions, quota: &Quota, partition: i32, offset: i64) -> Removal {
        let recency = Recency { rank: 0, partition, offset };
        evictions.evict(quota, recency, Timestamp::from_millis(1)).0
    }

    #[test]
    fn what_leaves_while_the_limit_is_lowered_left_for_pressure_and_is_remembered() {
        let (evictions, quota) = (Evictions::default(), Quota::new(CAPACITY_BYTES, 0));
        assert_eq!(evict(&evictions, &quota, 0, 1), Removal::Evicted);
        assert!(evictions.take_lost(|_| true).is_empty());
        quota.set_limits(CAPACITY_BYTES, CAPACITY_BYTES / 2);
        for (partition, offset) in [(0, 9), (0, 7), (0, 8), (1, 3), (2, 5)] {
            let removal = evict(&evictions, &quota, partition, offset);
            assert_eq!(removal, Removal::EvictedForPressure);
        }
        evictions.forget_partition(2);
        assert_eq!(evictions.take_lost(|partition| partition == 0), [(0, 7)]);
        assert_eq!(evictions.take_lost(|_| true), [(1, 3)]);
        assert!(evictions.take_lost(|_| true).is_empty());
    }
}
