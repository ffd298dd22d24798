//! What an entry weighs in the moka store. The quota counts exactly these weights.

use super::keyed_entry::{KeyedEntry, length_bytes};
use crate::heap;
use crate::record::EntryView;
use crate::table::weight::WeightParts;

/// What the cache takes for an entry beyond the entry itself, in bytes. For each it allocates its
/// key (32), what it knows of it (64), handles to its nodes (48), a handle to both of these and to
/// the entry (32), a bucket (16), a node of the list by use (32) and one of its timers (48). The
/// rest is slots of the hash table: 11 to 23, which double when seven tenths of them are taken.
const BOOKKEEPING_BYTES: u64 = 288;

/// moka keeps the key that it was given with the first entry of a key, and that of the latest
/// replacement beside it.
pub(super) const SECOND_KEY_BYTES: u64 = 32;

pub(super) fn weight_parts(key_bytes: usize, entry: &EntryView<'_>) -> WeightParts {
    let (header_bytes, fields_bytes) = (header_bytes(key_bytes), entry.fields.packed_bytes());
    let rounded = heap::rounded_up(KeyedEntry::allocated_bytes(key_bytes, fields_bytes));
    let asked_for = header_bytes + key_bytes + fields_bytes;
    let second_key_bytes = if entry.replaced_count > 0 { SECOND_KEY_BYTES } else { 0 };
    WeightParts {
        key_bytes: key_bytes as u64,
        fields_bytes: fields_bytes as u64,
        header_bytes: header_bytes as u64,
        rounding_bytes: rounded.saturating_sub(asked_for) as u64,
        bookkeeping_bytes: BOOKKEEPING_BYTES + second_key_bytes,
    }
}

pub(super) fn entry_weight_bytes(key_bytes: usize, entry: &EntryView<'_>) -> u64 {
    weight_parts(key_bytes, entry).total_bytes()
}

fn header_bytes(key_bytes: usize) -> usize {
    KeyedEntry::HEADER_BYTES + length_bytes(key_bytes)
}
