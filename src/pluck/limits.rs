//! How large a message may be, and how much scratch memory plucking it takes at worst.
//!
//! The memory budget is based on these sums. Most messages are small, and every thread may
//! pluck those at any time. The others are large: their documents are measured before they
//! are parsed, and one thread at a time plucks one.

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

/// A message is large if more than this many of its bytes are read.
const SMALL_BYTES: usize = 16 << 10;

/// Parsing a large document may take this many times the size of the largest document.
///
/// A document of `n` bytes takes `2n` for two copies, 24 for each structural character
/// (`{}[]:,` and the first character of each scalar) and 4 for each place of its index, which
/// has `n/8` of them, doubled until they suffice. So these pass even at the full size:
///
/// | one structural character in | such as | takes |
/// |---|---|---|
/// | 2.5 bytes | `"key":123,` | 14n |
/// | 2 bytes | `123,` | 18n |
/// | 1.5 bytes | `12,` or `"a":1,` | 22n |
///
/// `[{"a":1},...]`, three in 4 bytes, takes a little too much. One in each byte, as in `1,` and
/// `[1],`, takes 34n, so such a document passes up to seven tenths of the full size. Each level
/// of nesting takes 96 more in the stacks of parser and writer, so nothing but brackets takes
/// 82n if they close and 130n if not.
const PARSING_FACTOR: usize = 24;

/// The same for a small message, whatever its content: 2 for the copies, 8 for the index, 24
/// for the nodes, 24 for the parser's stack and 36 for the writer's stack.
const SMALL_PARSING_FACTOR: usize = 94;

/// The text of one value and all packed values, each in a buffer that has doubled and one of
/// them about to double again, or else being copied into the entry.
const PACKING_FACTOR: usize = 5;

impl Limits {
    /// Scratch memory over this many bytes is freed before the next message.
    pub(super) const KEPT_SCRATCH_BYTES: usize = 256 << 10;

    /// The most bytes that plucking one large document takes.
    pub fn large_scratch_bytes(&self) -> usize {
        self.parsing_bytes() + PACKING_FACTOR * self.max_values_bytes
    }

    /// The most bytes that a thread takes to pluck small messages into this many fields. Its
    /// buffers are those that it kept, each copied into one of twice the size.
    pub fn small_scratch_bytes(&self, fields: usize) -> usize {
        // No value is longer than the text that it comes from.
        let written = fields.saturating_mul(SMALL_BYTES);
        SMALL_PARSING_FACTOR * SMALL_BYTES
            + 3 * Self::KEPT_SCRATCH_BYTES
            + PACKING_FACTOR * written.min(self.max_values_bytes)
    }

    /// The most bytes that parsing a large document may take; never less than a small document
    /// may take.
    pub(super) fn parsing_bytes(&self) -> usize {
        let bytes = self.max_document_bytes.saturating_mul(PARSING_FACTOR);
        bytes.max(SMALL_PARSING_FACTOR * SMALL_BYTES)
    }

    /// The same for a document beside which a record key of `key_bytes` is parsed.
    pub(super) fn parsing_bytes_beside(&self, key_bytes: usize) -> usize {
        self.parsing_bytes() - SMALL_PARSING_FACTOR * key_bytes.min(SMALL_BYTES)
    }

    /// Whether a message is large, if this many of its bytes are read.
    pub(super) fn is_large(bytes: usize) -> bool {
        bytes > SMALL_BYTES
    }
}
