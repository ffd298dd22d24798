//! The parts of an entry's weight, and the bounds.
//!
//! `Store::weigh` computes the parts: `moka_store/entry_weight.rs` and
//! `compact_store/entry_weight.rs`.
//!
//! The weight of a whole table is in `quota`. `tests/memory` compares that with what the
//! allocator measures, within 5 %.

/// The most that one entry may weigh in any table, in bytes. An answer to a
/// lookup holds whole entries and must stay under what gRPC clients accept.
pub const MAX_ENTRY_BYTES: u64 = 1 << 20;

/// The smallest capacity that a table can work in, in bytes.
pub const MIN_CAPACITY_BYTES: u64 = 64 << 10;

/// The most that one entry may weigh in a table with `entries_bytes` for all its entries, in
/// bytes. A sixteenth of a full table is quickly evicted to admit the newest record.
pub const fn max_entry_bytes(entries_bytes: u64) -> u64 {
    let sixteenth = entries_bytes / 16;
    if sixteenth < MAX_ENTRY_BYTES { sixteenth } else { MAX_ENTRY_BYTES }
}

/// How the weight of an entry is made up. The parts add up to it.
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
    /// What the entry weighs in all.
    pub fn total_bytes(&self) -> u64 {
        let plucked = self.key_bytes + self.fields_bytes;
        plucked + self.header_bytes + self.rounding_bytes + self.bookkeeping_bytes
    }
}
