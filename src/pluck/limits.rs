//! What a message may be, and what scratch memory plucking it takes at worst.
//!
//! Owns the sums that the memory budget is told. Most messages are small, and each
//! thread may pluck those at any time. The others are large: their documents are measured
//! before they are parsed, and one thread at a time plucks one.

/// What a message may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a payload.
    pub max_document_bytes: usize,
    /// Bytes of a key, as text.
    pub max_key_bytes: usize,
    /// Bytes of an entry's values, packed.
    pub max_values_bytes: usize,
}

/// A message of which more than this is read is large.
const SMALL_BYTES: usize = 16 << 10;

/// Parsing a large document takes at most this many times the largest document.
///
/// A document of `n` bytes takes `2n` for two copies, 24 for each structural character
/// (one of `{}[]:,` or where a scalar begins) and 4 for each place of its index, of which
/// there are `n/8`, doubled until they suffice. So these pass as large as any document:
///
/// | one structural character in | such as | takes |
/// |---|---|---|
/// | 2.5 bytes | `"key":123,` | 14n |
/// | 2 bytes | `123,` | 18n |
/// | 1.5 bytes | `12,` or `"a":1,` | 22n |
///
/// `[{"a":1},...]`, three in 4 bytes, misses it by a hair. At one in each byte, as in `1,` and
/// `[1],`, it is 34n, so that a document passes up to seven tenths of the largest. Each level
/// of nesting takes 96 more in the stacks of parser and writer, and so nothing but brackets
/// is 82n if they close and 130n if not.
const PARSING_FACTOR: usize = 24;

/// The same for a small message, whatever is in it: 2 for the copies, 8 for the index, 24
/// for the tape, 24 for the parser's stack and 36 for the stack of the writer.
const SMALL_PARSING_FACTOR: usize = 94;

/// A double of four characters, `1e15`, is written as eighteen.
const WRITTEN_FACTOR: usize = 4;

/// The text of one value and all values packed, each in a buffer that has doubled and one of
/// them about to, or else copied into the entry.
const PACKING_FACTOR: usize = 5;

impl Limits {
    /// Scratch memory over this many bytes is freed before the next message.
    pub(super) const KEPT_SCRATCH_BYTES: usize = 256 << 10;

    /// What plucking one large document takes at worst, in bytes.
    pub fn large_scratch_bytes(&self) -> usize {
        self.parsing_bytes() + PACKING_FACTOR * self.max_values_bytes
    }

    /// What a thread takes at worst to pluck small messages into this many fields, in bytes.
    /// Its buffers are those that it kept, each grown to twice its size from beside the old.
    pub fn small_scratch_bytes(&self, fields: usize) -> usize {
        let written = fields.saturating_mul(WRITTEN_FACTOR * SMALL_BYTES);
        SMALL_PARSING_FACTOR * SMALL_BYTES
            + 3 * Self::KEPT_SCRATCH_BYTES
            + PACKING_FACTOR * written.min(self.max_values_bytes)
    }

    /// What parsing a large document may take, in bytes; never less than a small document may.
    pub(super) fn parsing_bytes(&self) -> usize {
        let bytes = self.max_document_bytes.saturating_mul(PARSING_FACTOR);
        bytes.max(SMALL_PARSING_FACTOR * SMALL_BYTES)
    }

    /// Whether a message is large, given how many bytes of it are read.
    pub(super) fn is_large(message_bytes: usize) -> bool {
        message_bytes > SMALL_BYTES
    }
}
