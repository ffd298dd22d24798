//! What was written to a store and what left it, and why. An entry leaves exactly once, for
//! one cause.

use std::iter::Sum;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// What came and what left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) stored_count: u64,
    pub(super) plucked_bytes: u64,
    pub(super) removals: Removals,
}

impl Counts {
    /// Counts an entry that is written, of a key and fields of so many bytes.
    pub(super) fn stored(&mut self, plucked_bytes: usize) {
        self.stored_count += 1;
        self.plucked_bytes += plucked_bytes as u64;
    }

    /// Counts an entry that leaves.
    pub(super) fn removed(&mut self, cause: Removal) {
        self.removals.0[cause as usize] += 1;
    }

    /// How many entries that leaves.
    pub(super) fn entry_count(&self) -> u64 {
        self.stored_count.saturating_sub(self.removals.total())
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |mut sum, counts| {
            sum.stored_count += counts.stored_count;
            sum.plucked_bytes += counts.plucked_bytes;
            for (sum, count) in sum.removals.0.iter_mut().zip(counts.removals.0) {
                *sum += count;
            }
            sum
        })
    }
}

/// The same, counted by many threads at once.
#[derive(Debug, Default)]
pub(super) struct SharedCounts {
    stored: AtomicU64,
    plucked_bytes: AtomicU64,
    removed: [AtomicU64; Removal::ALL.len()],
}

impl SharedCounts {
    /// Counts an entry that is about to be written, of a key and fields of so many bytes.
    pub(super) fn stored(&self, plucked_bytes: usize) {
        self.stored.fetch_add(1, Ordering::Relaxed);
        self.plucked_bytes.fetch_add(plucked_bytes as u64, Ordering::Relaxed);
    }

    /// Counts an entry that leaves.
    pub(super) fn removed(&self, cause: Removal) {
        self.removed[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Removals are read before writes, so that no more can have left than came.
    pub(super) fn snapshot(&self) -> Counts {
        let removals = Removals(self.removed.each_ref().map(|n| n.load(Ordering::Acquire)));
        Counts {
            stored_count: self.stored.load(Ordering::Acquire),
            plucked_bytes: self.plucked_bytes.load(Ordering::Relaxed),
            removals,
        }
    }
}
