//! How large a message may be, and how much scratch memory plucking it takes at worst.
//!
//! The memory budget is based on this sum. A document is not copied, so what counts is what is
//! plucked from it.

use crate::record::FieldsBuffer;

/// The largest message that is plucked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a payload.
    pub max_document_bytes: usize,
    /// Bytes of a key, as text.
    pub max_key_bytes: usize,
    /// Bytes of an entry's values, packed.
    pub max_values_bytes: usize,
}

impl Limits {
    /// Scratch memory over this many bytes is freed before the next message.
    pub(super) const KEPT_SCRATCH_BYTES: usize = 256 << 10;

    /// The most bytes that a thread takes to pluck messages into so many fields.
    ///
    /// A document may be nothing but opening brackets, and each takes a bit. Those and a key are in
    /// buffers that double: for a moment there are three times as many bytes. The values have one
    /// allocation. What is kept of the message before is still there while that is made.
    pub fn scratch_bytes(&self, fields: usize) -> usize {
        let nesting_bytes = 3 * self.max_document_bytes / 8;
        let key_bytes = 2 * 3 * self.max_key_bytes;
        let overhead_bytes = fields * FieldsBuffer::MAX_OVERHEAD_BYTES;
        let values_bytes = self.max_values_bytes + overhead_bytes;
        Self::KEPT_SCRATCH_BYTES + nesting_bytes + key_bytes + values_bytes
    }
}
