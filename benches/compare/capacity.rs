//! How much room a table is given, so that nothing is evicted from it.

use millpond_benches::shape::Shape;

/// More than any store takes beside key and value.
const OVERHEAD_BYTES: u64 = 480;

/// What a caller gives and takes.
pub(crate) fn raw_bytes(shape: Shape) -> u64 {
    (shape.key_bytes + shape.value_bytes) as u64
}

pub(crate) fn of_table(entries: u64, shape: Shape) -> u64 {
    let entry_bytes = OVERHEAD_BYTES + raw_bytes(shape);
    (entries * entry_bytes).max(64 << 20)
}
