//! What an entry really costs: its key, its value, allocator rounding, bookkeeping.

use crate::record::{Entry, Key};

/// The most that one entry may weigh in any table, in bytes. An answer to a
/// lookup holds whole entries and must stay under what gRPC clients accept.
pub const MAX_ENTRY_BYTES: u64 = 1 << 20;

/// The smallest capacity that a table can work in, in bytes.
pub const MIN_CAPACITY_BYTES: u64 = 64 << 10;

/// What the store spends on an entry beyond its key's and its value's own
/// allocations, in bytes: hash table slot, LRU and timer nodes, reference counts.
/// Measured with jemalloc's allocated bytes at a million entries.
const BOOKKEEPING_BYTES: u64 = 300;

/// The most that one entry may weigh in a table of `capacity_bytes`, in bytes.
/// A sixteenth is the slack that lets a full table admit the newest record.
pub const fn max_entry_bytes(capacity_bytes: u64) -> u64 {
    let slack = capacity_bytes / 16;
    if slack < MAX_ENTRY_BYTES { slack } else { MAX_ENTRY_BYTES }
}

/// What `entry` costs under `key`, in bytes.
pub(super) fn weigh(key: &Key, entry: &Entry) -> u64 {
    let key_bytes = size_class(key.as_str().len());
    let entry_bytes = size_class(entry.allocated_bytes());
    (key_bytes + entry_bytes) as u64 + BOOKKEEPING_BYTES
}

/// The bytes that jemalloc hands out for a request of `bytes`: multiples of 16 up
/// to 128, then four classes to each doubling.
const fn size_class(bytes: usize) -> usize {
    match bytes {
        0..=8 => 8,
        9..=128 => bytes.next_multiple_of(16),
        _ => bytes.next_multiple_of(1 << ((bytes - 1).ilog2() - 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_up_to_the_allocators_classes() {
        let classes = [(1, 8), (8, 8), (9, 16), (100, 112), (128, 128), (129, 160), (257, 320)];
        for (asked, given) in classes {
            assert_eq!(size_class(asked), given, "for {asked}");
        }
        assert_eq!(size_class(16 * 1024 + 1), 20 * 1024);
        assert_eq!(size_class(1 << 20), 1 << 20);
    }
}
