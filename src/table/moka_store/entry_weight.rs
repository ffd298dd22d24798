//! What an entry weighs in the moka store. The quota counts exactly these weights.

use crate::heap;
use crate::record::{Entry, EntryView};
use crate::table::weight::WeightParts;

/// What the cache takes for an entry beyond the allocations of its key and its value, in bytes:
/// hash table slot, LRU and timer nodes, reference counts. Measured with jemalloc's allocated
/// bytes at 0.6 to 1.3 million entries: 284 to 289.
const BOOKKEEPING_BYTES: u64 = 288;

pub(super) fn weight_parts(key: &str, entry: &EntryView<'_>) -> WeightParts {
    let (key_bytes, fields_bytes) = (key.len(), entry.fields.packed_bytes());
    let entry_bytes = heap::rounded_up(Entry::allocated_bytes(fields_bytes));
    let rounded = heap::rounded_up(key_bytes) + entry_bytes;
    let asked_for = key_bytes + fields_bytes + Entry::HEADER_BYTES;
    WeightParts {
        key_bytes: key_bytes as u64,
        fields_bytes: fields_bytes as u64,
        header_bytes: Entry::HEADER_BYTES as u64,
        rounding_bytes: rounded.saturating_sub(asked_for) as u64,
        bookkeeping_bytes: BOOKKEEPING_BYTES,
    }
}

pub(super) fn entry_weight_bytes(key: &str, entry: &EntryView<'_>) -> u64 {
    weight_parts(key, entry).total_bytes()
}
