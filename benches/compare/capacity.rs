//! The capacity of a measured table, chosen so that nothing is evicted.

use millpond_benches::shape::Shape;

/// More than any store needs for an entry beside its key and value.
const OVERHEAD_BYTES: u64 = 480;

/// The bytes of an entry's key and value.
pub(crate) fn raw_bytes(shape: Shape) -> u64 {
    (shape.key_bytes + shape.value_bytes) as u64
}

pub(crate) fn of_table(entries: u64, shape: Shape) -> u64 {
    let entry_bytes = OVERHEAD_BYTES + raw_bytes(shape);
    (entries * entry_bytes).max(64 << 20)
}
