//! How many entries were stored and how many left, by cause. An entry leaves exactly once, for
//! one cause.
//!
//! Counts are plain numbers: a store keeps them under a lock of its own.

use std::iter::Sum;

/// Why an entry left its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// A newer record of its key took its place.
    Replaced,
    /// A tombstone or a record for which `delete_when` holds deleted it, or a newer record that
    /// was too large to keep.
    Deleted,
    /// Its time to live had ended.
    Expired,
    /// The table was full and made room for newer entries.
    Evicted,
    /// Memory was short, and the table's limit was lowered.
    EvictedForPressure,
}

impl Removal {
    /// Every cause, in the order in which they are reported.
    pub const ALL: [Self; 5] =
        [Self::Replaced, Self::Deleted, Self::Expired, Self::Evicted, Self::EvictedForPressure];
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

/// The counts of a store or of a part of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) stored_count: u64,
    pub(super) plucked_bytes: u64,
    pub(super) removals: Removals,
}

impl Counts {
    /// Counts an entry that is stored, with so many bytes of key and fields.
    pub(super) fn count_stored(&mut self, plucked_bytes: usize) {
        self.stored_count += 1;
        self.plucked_bytes += plucked_bytes as u64;
    }

    /// Counts an entry that leaves.
    pub(super) fn count_removed(&mut self, cause: Removal) {
        self.removals.0[cause as usize] += 1;
    }

    /// How many entries are left.
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
