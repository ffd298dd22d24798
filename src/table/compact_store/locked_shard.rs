//! A shard behind its lock, and what can be known of it without taking the lock.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard};

use super::log::Summary;
use super::shard::Shard;
use super::shared::Shared;
use crate::record::Timestamp;

#[derive(Default)]
pub(super) struct LockedShard {
    shard: RwLock<Shard>,
    /// The sequence number of its oldest segment plus one; zero if it has no segment.
    oldest: AtomicU64,
    /// No record expires before, in milliseconds.
    first_expiry: AtomicI64,
    /// When it was last swept, in milliseconds.
    swept: AtomicI64,
    /// Whether it was changed since the last look at that.
    is_changed: AtomicBool,
    /// Whether it was changed since there was nothing more to compact.
    is_loose: AtomicBool,
}

impl LockedShard {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Shard> {
        self.shard.read()
    }

    /// The shard, unless a writer has it or waits for it.
    pub(super) fn try_read(&self) -> Option<RwLockReadGuard<'_, Shard>> {
        self.shard.try_read()
    }

    /// Changes the shard and publishes its summary.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut Shard) -> T) -> T {
        self.is_changed.store(true, Ordering::Relaxed);
        self.is_loose.store(true, Ordering::Relaxed);
        self.publish(change)
    }

    fn publish<T>(&self, change: impl FnOnce(&mut Shard) -> T) -> T {
        let mut shard = self.shard.write();
        let changed = change(&mut shard);
        let Summary { oldest, first_expiry } = shard.summary();
        self.oldest.store(oldest.map_or(0, |(_, sequence)| sequence + 1), Ordering::Relaxed);
        self.first_expiry.store(first_expiry.as_millis(), Ordering::Relaxed);
        changed
    }

    /// The sequence number of its oldest segment; none if it is empty.
    pub(super) fn oldest_sequence(&self) -> Option<u64> {
        self.oldest.load(Ordering::Relaxed).checked_sub(1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.oldest_sequence().is_none()
    }

    /// Whether a record may be expired, and the last sweep was not within the interval.
    pub(super) fn is_due(&self, now: Timestamp, interval: Duration) -> bool {
        let time = |at: &AtomicI64| Timestamp::from_millis(at.load(Ordering::Relaxed));
        let was_just_swept = time(&self.swept).until(now) < interval;
        !self.is_empty() && time(&self.first_expiry) <= now && !was_just_swept
    }

    pub(super) fn sweep(&self, shared: &Shared, now: Timestamp) {
        self.write(|shard| shard.sweep(shared, now));
        self.swept.store(now.as_millis(), Ordering::Relaxed);
    }

    /// Compacts one segment, if the shard was not changed between the last two calls; false if there
    /// is nothing to do yet.
    pub(super) fn compact_when_idle(&self, shared: &Shared) -> bool {
        if !self.is_loose.load(Ordering::Relaxed) || self.is_changed.swap(false, Ordering::Relaxed)
        {
            return false;
        }
        // A change from here on makes it loose again.
        self.is_loose.store(false, Ordering::Relaxed);
        let is_compacted = self.publish(|shard| shard.compact_when_idle(shared));
        if is_compacted {
            self.is_loose.store(true, Ordering::Relaxed);
        }
        is_compacted
    }
}
