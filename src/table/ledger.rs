//! A store's weight: what its entries may take, and what they do.
//!
//! Weight is reserved before an entry is written and released when it leaves, so it never
//! grows past the level that holds at the moment.

use std::sync::atomic::{AtomicU64, Ordering};

use super::weight::max_entry_bytes;

/// The running weight, shared by a store and what tells it that entries leave.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "a number without its unit says less")]
pub(super) struct Ledger {
    capacity_bytes: AtomicU64,
    level_bytes: AtomicU64,
    weight_bytes: AtomicU64,
}

/// The weight at one moment.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "a number without its unit says less")]
pub(super) struct LedgerSnapshot {
    pub(super) capacity_bytes: u64,
    pub(super) level_bytes: u64,
    pub(super) weight_bytes: u64,
}

impl Ledger {
    pub(super) fn new(capacity_bytes: u64) -> Self {
        Self {
            capacity_bytes: AtomicU64::new(capacity_bytes),
            level_bytes: AtomicU64::new(capacity_bytes),
            weight_bytes: AtomicU64::new(0),
        }
    }

    /// What the entries may weigh together at the moment, in bytes.
    pub(super) fn level_bytes(&self) -> u64 {
        self.level_bytes.load(Ordering::Relaxed)
    }

    /// What one entry may weigh, in bytes. A lower level does not lower it.
    pub(super) fn max_entry_bytes(&self) -> u64 {
        max_entry_bytes(self.capacity_bytes.load(Ordering::Relaxed))
    }

    /// Sets the capacity, and the level as near to the one asked for as leaves room for
    /// the largest entry. What is above a lower level is for the store to let go.
    pub(super) fn set_level(&self, capacity_bytes: u64, level_bytes: u64) {
        let least = 2 * max_entry_bytes(capacity_bytes);
        self.capacity_bytes.store(capacity_bytes, Ordering::Relaxed);
        self.level_bytes.store(level_bytes.clamp(least, capacity_bytes), Ordering::Relaxed);
    }

    /// Books the weight of an entry to come, if there is room for it.
    pub(super) fn reserve(&self, weight_bytes: u64) -> bool {
        self.exchange(0, weight_bytes)
    }

    /// Books a weight in place of one that is reserved, if there is room for it or it is
    /// no more.
    pub(super) fn exchange(&self, reserved_bytes: u64, weight_bytes: u64) -> bool {
        let level_bytes = self.level_bytes();
        self.weight_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |booked| {
                let sum = booked - reserved_bytes + weight_bytes;
                (sum <= level_bytes || weight_bytes <= reserved_bytes).then_some(sum)
            })
            .is_ok()
    }

    /// Books that weight which was reserved is free again.
    pub(super) fn release(&self, weight_bytes: u64) {
        self.weight_bytes.fetch_sub(weight_bytes, Ordering::Relaxed);
    }

    /// Whether more is held than the level, which was lowered, allows.
    pub(super) fn is_over(&self) -> bool {
        self.weight_bytes.load(Ordering::Relaxed) > self.level_bytes()
    }

    /// Whether less than an eighth of the level is free.
    pub(super) fn is_nearly_full(&self) -> bool {
        let level_bytes = self.level_bytes();
        self.weight_bytes.load(Ordering::Relaxed) > level_bytes - level_bytes / 8
    }

    /// The weight, with what it may be.
    pub(super) fn snapshot(&self) -> LedgerSnapshot {
        LedgerSnapshot {
            capacity_bytes: self.capacity_bytes.load(Ordering::Relaxed),
            level_bytes: self.level_bytes(),
            weight_bytes: self.weight_bytes.load(Ordering::Relaxed),
        }
    }
}
