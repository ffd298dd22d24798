//! A store's books: what was written, what left and why, what the rest weighs.
//!
//! The weight is reserved before an entry is written and released when it leaves, so
//! it never grows past the level that holds at the moment. An entry leaves exactly once,
//! for one cause.

use std::sync::atomic::{AtomicU64, Ordering};

use super::weight::max_entry_bytes;

/// Why an entry left its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// A newer record came under its key.
    Replaced,
    /// A tombstone, or a newer record that could not be kept, came under its key.
    Deleted,
    /// Its time to live was over.
    Expired,
    /// The table was full and its store let it go, to take newer ones.
    Evicted,
}

impl Removal {
    /// Every cause, in the order in which they are reported.
    pub const ALL: [Self; 4] = [Self::Replaced, Self::Deleted, Self::Expired, Self::Evicted];
}

/// How many entries left, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removals([u64; Removal::ALL.len()]);

impl Removals {
    /// How many left for `cause`.
    pub fn count(&self, cause: Removal) -> u64 {
        self.0[cause as usize]
    }

    /// How many left in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// The running books, shared by a store and what tells it that entries leave.
#[derive(Debug)]
pub(super) struct Ledger {
    capacity_bytes: AtomicU64,
    level_bytes: AtomicU64,
    weight_bytes: AtomicU64,
    stored: AtomicU64,
    plucked_bytes: AtomicU64,
    removed: [AtomicU64; Removal::ALL.len()],
}

/// The books at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct LedgerSnapshot {
    pub(super) capacity_bytes: u64,
    pub(super) level_bytes: u64,
    pub(super) entry_count: u64,
    pub(super) weight_bytes: u64,
    pub(super) stored_count: u64,
    pub(super) plucked_bytes: u64,
    pub(super) removals: Removals,
}

impl Ledger {
    pub(super) fn new(capacity_bytes: u64) -> Self {
        Self {
            capacity_bytes: AtomicU64::new(capacity_bytes),
            level_bytes: AtomicU64::new(capacity_bytes),
            weight_bytes: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            plucked_bytes: AtomicU64::new(0),
            removed: Default::default(),
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

    /// Books that the entry whose weight was reserved is about to be written.
    pub(super) fn stored(&self, plucked_bytes: u64) {
        self.stored.fetch_add(1, Ordering::Relaxed);
        self.plucked_bytes.fetch_add(plucked_bytes, Ordering::Relaxed);
    }

    /// Books that an entry left.
    pub(super) fn removed(&self, cause: Removal) {
        self.removed[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Books that weight which was reserved is free again.
    pub(super) fn release(&self, weight_bytes: u64) {
        self.weight_bytes.fetch_sub(weight_bytes, Ordering::Relaxed);
    }

    /// Whether more is held than the level, which was lowered, allows.
    pub(super) fn is_over(&self) -> bool {
        self.weight_bytes.load(Ordering::Relaxed) > self.level_bytes()
    }

    /// Removals are read before writes, so that no more can have left than came.
    pub(super) fn snapshot(&self) -> LedgerSnapshot {
        let removals = Removals(self.removed.each_ref().map(|n| n.load(Ordering::Acquire)));
        let stored_count = self.stored.load(Ordering::Acquire);
        LedgerSnapshot {
            capacity_bytes: self.capacity_bytes.load(Ordering::Relaxed),
            level_bytes: self.level_bytes(),
            entry_count: stored_count.saturating_sub(removals.total()),
            weight_bytes: self.weight_bytes.load(Ordering::Relaxed),
            stored_count,
            plucked_bytes: self.plucked_bytes.load(Ordering::Relaxed),
            removals,
        }
    }
}
