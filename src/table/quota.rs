//! A table's quota: what it may weigh, and what it weighs.
//!
//! A store reserves weight before it allocates and releases it when entries leave, so the
//! weight never grows past the limit. All bytes here are those of the whole table: its entries
//! and what the store takes without any entry. Each reader loads one atomic and takes no lock.
//! This file knows nothing of entries or of how a store evicts.

use std::sync::atomic::{AtomicU64, Ordering};

use super::weight::{MIN_CAPACITY_BYTES, max_entry_bytes};

/// The least room for entries, in bytes: a lowered capacity is never less than this plus the
/// fixed bytes. In a table of the smallest capacity the fixed bytes, which are mostly ghost
/// entries, take at most a 32nd of it. So such a table is never raised above its capacity.
const MIN_ENTRIES_BYTES: u64 = MIN_CAPACITY_BYTES - MIN_CAPACITY_BYTES / 32;

/// The capacity, the limit and the weight of one table, shared by all its threads.
#[derive(Debug)]
pub(super) struct Quota {
    fixed_bytes: AtomicU64,
    capacity_bytes: AtomicU64,
    limit_bytes: AtomicU64,
    weight_bytes: AtomicU64,
    /// How often more was released than is reserved.
    mismatch_count: AtomicU64,
}

impl Quota {
    /// The quota of a table that takes `fixed_bytes` of its capacity without any entry.
    pub(super) fn new(capacity_bytes: u64, fixed_bytes: u64) -> Self {
        Self {
            fixed_bytes: AtomicU64::new(fixed_bytes),
            capacity_bytes: AtomicU64::new(capacity_bytes),
            limit_bytes: AtomicU64::new(capacity_bytes),
            weight_bytes: AtomicU64::new(fixed_bytes),
            mismatch_count: AtomicU64::new(0),
        }
    }

    /// What the table takes without any entry, in bytes.
    pub(super) fn fixed_bytes(&self) -> u64 {
        self.fixed_bytes.load(Ordering::Relaxed)
    }

    /// Takes `bytes` in place of `before_bytes` without any entry, if the limit leaves room for it.
    pub(super) fn exchange_fixed(&self, before_bytes: u64, bytes: u64) -> bool {
        let is_exchanged = self.exchange(before_bytes, bytes);
        if is_exchanged {
            let fixed_bytes = self.fixed_bytes().saturating_sub(before_bytes) + bytes;
            self.fixed_bytes.store(fixed_bytes, Ordering::Relaxed);
        }
        is_exchanged
    }

    /// What the table may weigh where memory is not short, in bytes.
    pub(super) fn capacity_bytes(&self) -> u64 {
        self.capacity_bytes.load(Ordering::Relaxed)
    }

    /// What the table may weigh at the moment, in bytes: its capacity or less.
    pub(super) fn limit_bytes(&self) -> u64 {
        self.limit_bytes.load(Ordering::Relaxed)
    }

    /// What the table weighs, in bytes.
    pub(super) fn weight_bytes(&self) -> u64 {
        self.weight_bytes.load(Ordering::Relaxed)
    }

    /// What one entry may weigh, in bytes. It follows the capacity and not the limit.
    pub(super) fn max_entry_bytes(&self) -> u64 {
        self.max_entry_bytes_at(self.capacity_bytes())
    }

    fn max_entry_bytes_at(&self, capacity_bytes: u64) -> u64 {
        max_entry_bytes(capacity_bytes.saturating_sub(self.fixed_bytes()))
    }

    /// Whether the table takes an entry of that weight. The one place that decides it.
    pub(super) fn admits(&self, entry_bytes: u64) -> bool {
        entry_bytes <= self.max_entry_bytes()
    }

    /// Sets the capacity and the limit. The limit is never below the fixed bytes and twice the
    /// largest entry: moka keeps room for one such entry free, and must still hold another. After
    /// the limit is lowered the store has to evict the entries above it.
    pub(super) fn set_limits(&self, capacity_bytes: u64, limit_bytes: u64) {
        let capacity_bytes = capacity_bytes.max(MIN_ENTRIES_BYTES + self.fixed_bytes());
        let lowest = 2 * self.max_entry_bytes_at(capacity_bytes) + self.fixed_bytes();
        self.capacity_bytes.store(capacity_bytes, Ordering::Relaxed);
        self.limit_bytes.store(limit_bytes.clamp(lowest, capacity_bytes), Ordering::Relaxed);
    }

    /// Reserves weight, if the limit leaves room for it.
    pub(super) fn reserve(&self, bytes: u64) -> bool {
        self.exchange(0, bytes)
    }

    /// Reserves `bytes` in place of `reserved_bytes`, if the limit leaves room for it. Less
    /// than before always fits.
    pub(super) fn exchange(&self, reserved_bytes: u64, bytes: u64) -> bool {
        let limit_bytes = self.limit_bytes();
        let exchanged =
            self.weight_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |weight_bytes| {
                let sum = weight_bytes.saturating_sub(reserved_bytes).saturating_add(bytes);
                (sum <= limit_bytes || bytes <= reserved_bytes).then_some(sum)
            });
        // A weight that wrapped would be far above any limit, and the table empty for ever.
        if exchanged.is_ok_and(|before_bytes| before_bytes < reserved_bytes) {
            self.mismatch_count.fetch_add(1, Ordering::Relaxed);
        }
        exchanged.is_ok()
    }

    /// Releases weight that was reserved.
    pub(super) fn release(&self, bytes: u64) {
        self.exchange(bytes, 0);
    }

    /// How often more was released than is reserved. Above zero, the store has a bug.
    pub(super) fn mismatch_count(&self) -> u64 {
        self.mismatch_count.load(Ordering::Relaxed)
    }

    /// Whether the limit is below the capacity, because memory is short.
    pub(super) fn is_lowered(&self) -> bool {
        self.limit_bytes() < self.capacity_bytes()
    }

    /// Whether the table weighs more than its limit, which was lowered.
    pub(super) fn is_exceeded(&self) -> bool {
        self.weight_bytes() > self.limit_bytes()
    }

    /// Whether less than an eighth of the limit is free.
    pub(super) fn is_nearly_full(&self) -> bool {
        let limit_bytes = self.limit_bytes();
        self.weight_bytes() > limit_bytes - limit_bytes / 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY_BYTES: u64 = 1 << 20;
    const FIXED_BYTES: u64 = 16 << 10;

    fn quota() -> Quota {
        Quota::new(CAPACITY_BYTES, FIXED_BYTES)
    }

    #[test]
    fn weight_is_reserved_up_to_the_limit_and_no_further() {
        let quota = quota();
        assert!(quota.reserve(CAPACITY_BYTES - FIXED_BYTES));
        assert!(!quota.reserve(1));
        quota.release(10);
        assert!(quota.reserve(10));
        assert_eq!(quota.weight_bytes(), CAPACITY_BYTES);
    }

    #[test]
    fn an_exchange_for_less_is_never_refused() {
        let quota = quota();
        assert!(quota.reserve(CAPACITY_BYTES / 2));
        quota.set_limits(CAPACITY_BYTES, CAPACITY_BYTES / 4);
        assert!(quota.is_exceeded());
        assert!(!quota.exchange(100, 101));
        assert!(quota.exchange(100, 99));
        assert_eq!(quota.weight_bytes(), FIXED_BYTES + CAPACITY_BYTES / 2 - 1);
    }

    #[test]
    fn what_a_table_takes_without_entries_is_exchanged_within_the_limit() {
        let quota = quota();
        assert!(quota.exchange_fixed(FIXED_BYTES, 1_000));
        assert_eq!((quota.fixed_bytes(), quota.weight_bytes()), (1_000, 1_000));
        assert!(quota.reserve(CAPACITY_BYTES - 2_000));
        assert!(!quota.exchange_fixed(1_000, 2_001));
        assert!(quota.exchange_fixed(1_000, 2_000));
        assert_eq!((quota.fixed_bytes(), quota.weight_bytes()), (2_000, CAPACITY_BYTES));
    }

    #[test]
    fn the_lowest_limit_leaves_room_for_the_largest_entry() {
        let quota = quota();
        quota.set_limits(CAPACITY_BYTES, 0);
        assert!(quota.reserve(quota.max_entry_bytes()));
        assert!(quota.admits(quota.max_entry_bytes()));
        assert!(!quota.admits(quota.max_entry_bytes() + 1));
    }

    #[test]
    fn a_release_of_more_than_is_reserved_is_counted_and_leaves_room() {
        let quota = quota();
        assert!(quota.reserve(1_000));
        assert_eq!(quota.mismatch_count(), 0);
        quota.release(FIXED_BYTES + 1_001);
        assert_eq!((quota.weight_bytes(), quota.mismatch_count()), (0, 1));
        assert!(quota.exchange(1, 500));
        assert_eq!((quota.weight_bytes(), quota.mismatch_count()), (500, 2));
    }

    #[test]
    fn no_capacity_is_too_small_to_work_with() {
        let quota = quota();
        quota.set_limits(0, 0);
        assert!(quota.capacity_bytes() > FIXED_BYTES);
        assert!(quota.limit_bytes() <= quota.capacity_bytes());
        assert!(quota.reserve(quota.max_entry_bytes()));
    }
}
