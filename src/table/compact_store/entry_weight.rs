//! What an entry weighs in the compact store, as far as one entry can be weighed.
//!
//! These weights decide whether an entry is too large, and they are shown. The quota does not count
//! them: it counts whole segments and indexes, with unused room and dead records.

use super::layout::EncodedRecord;
use crate::table::weight::WeightParts;

/// What an entry takes of the index, in bytes: five for its slot, and its share of empty ones.
const INDEX_BYTES: u64 = 8;

pub(super) fn weight_parts(record: &EncodedRecord<'_>) -> WeightParts {
    WeightParts {
        key_bytes: record.key.len() as u64,
        fields_bytes: record.fields.packed_bytes() as u64,
        header_bytes: record.header_bytes() as u64,
        rounding_bytes: 0,
        bookkeeping_bytes: INDEX_BYTES,
    }
}
