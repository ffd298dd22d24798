//! What an entry really costs: its key, its value, allocator rounding, bookkeeping.
//!
//! `tests/memory` holds the sum to what the allocator measures, within 5 %.

use crate::heap;
use crate::record::Entry;

/// The most that one entry may weigh in any table, in bytes. An answer to a
/// lookup holds whole entries and must stay under what gRPC clients accept.
pub const MAX_ENTRY_BYTES: u64 = 1 << 20;

/// The smallest capacity that a table can work in, in bytes.
pub const MIN_CAPACITY_BYTES: u64 = 64 << 10;

/// What the store spends on an entry beyond its key's and its value's own
/// allocations, in bytes: hash table slot, LRU and timer nodes, reference counts.
/// Measured with jemalloc's allocated bytes at 0.6 to 1.3 million entries: 284 to 289.
const BOOKKEEPING_BYTES: u64 = 288;

/// The most that one entry may weigh in a table of `capacity_bytes`, in bytes.
/// A sixteenth is the slack that lets a full table admit the newest record.
pub const fn max_entry_bytes(capacity_bytes: u64) -> u64 {
    let slack = capacity_bytes / 16;
    if slack < MAX_ENTRY_BYTES { slack } else { MAX_ENTRY_BYTES }
}

/// Where the bytes of an entry are. They add up to what it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightParts {
    /// The text of the key.
    pub key_bytes: u64,
    /// The packed values of the fields.
    pub fields_bytes: u64,
    /// What stands before the fields: origin, expiry, counts.
    pub header_bytes: u64,
    /// What the allocator rounds these up by.
    pub rounding_bytes: u64,
    /// What the store spends on holding them.
    pub bookkeeping_bytes: u64,
}

impl WeightParts {
    /// Of `entry` under `key`.
    pub fn of(key: &str, entry: &Entry) -> Self {
        let (key_bytes, fields_bytes) = (key.len(), entry.fields_bytes());
        let rounded = heap::rounded_up(key_bytes) + heap::rounded_up(entry.allocated_bytes());
        let asked_for = key_bytes + fields_bytes + Entry::HEADER_BYTES;
        Self {
            key_bytes: key_bytes as u64,
            fields_bytes: fields_bytes as u64,
            header_bytes: Entry::HEADER_BYTES as u64,
            rounding_bytes: rounded.saturating_sub(asked_for) as u64,
            bookkeeping_bytes: BOOKKEEPING_BYTES,
        }
    }

    /// What the entry weighs in all.
    pub fn total_bytes(&self) -> u64 {
        let plucked = self.key_bytes + self.fields_bytes;
        plucked + self.header_bytes + self.rounding_bytes + self.bookkeeping_bytes
    }
}

/// What `entry` costs under `key`, in bytes.
pub(super) fn weigh(key: &str, entry: &Entry) -> u64 {
    WeightParts::of(key, entry).total_bytes()
}
