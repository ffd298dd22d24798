//! Turns a payload into a tape of nodes, in memory that is used again for the next payload.
//!
//! Owns the scratch copy that the parser unescapes strings in, the parser's own
//! buffers and the tape. The nodes borrow the copy, so they are lent to a closure
//! and gone when it returns. Knows nothing of keys, fields or paths.

use std::mem;

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};

use crate::record::Reject;

/// A JSON parser with its scratch memory.
pub(super) struct Parser {
    input: Vec<u8>,
    buffers: Buffers,
    buffers_bytes: usize,
    /// Empty between documents; only its allocation is kept.
    tape: Tape<'static>,
}

impl Parser {
    /// A parser that has allocated nothing to speak of yet.
    pub(super) fn new() -> Self {
        Self {
            input: Vec::new(),
            // Depth costs heap here, never stack, and so the document's size is limit enough.
            buffers: Buffers::with_max_depth(0, usize::MAX),
            buffers_bytes: 0,
            tape: Tape(Vec::new()),
        }
    }

    /// Parses all of `payload` and lends its nodes, the root first, to `read`.
    ///
    /// # Errors
    ///
    /// [`Reject::InvalidUtf8`] for bytes that are no text, whatever else is wrong with them;
    /// [`Reject::InvalidJson`] for text that is not one whole document; or what `read` gives.
    pub(super) fn parse<T>(
        &mut self,
        payload: &[u8],
        read: impl FnOnce(&[Node<'_>]) -> Result<T, Reject>,
    ) -> Result<T, Reject> {
        self.copy_padded(payload);
        let mut tape = mem::replace(&mut self.tape, Tape(Vec::new()));
        let parsed = fill_tape_padded(&mut self.input, payload.len(), &mut self.buffers, &mut tape);
        let outcome = match parsed {
            Ok(()) => read(&tape.0),
            Err(_) => Err(why_invalid(payload)),
        };
        self.tape = tape.reset();
        self.note_buffers(payload.len());
        outcome
    }

    /// Scratch bytes held. The parser's buffers keep their capacities to themselves: their
    /// share is what they were last made to hold, and may be as much as twice that.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.input.capacity() + self.tape.0.capacity() * size_of::<Node<'_>>() + self.buffers_bytes
    }

    fn copy_padded(&mut self, payload: &[u8]) {
        self.input.clear();
        self.input.reserve(payload.len() + INPUT_PADDING);
        self.input.extend_from_slice(payload);
        self.input.resize(payload.len() + INPUT_PADDING, b' ');
    }

    /// The buffers hold a copy of a string as long as the document may be, and for each
    /// structural character its index and a level of nesting.
    fn note_buffers(&mut self, document_bytes: usize) {
        const PER_STRUCTURAL: usize = size_of::<u32>() + 3 * size_of::<usize>();
        let structurals = self.buffers.structural_indexes().len();
        let held = document_bytes + structurals * PER_STRUCTURAL;
        self.buffers_bytes = self.buffers_bytes.max(held);
    }
}

fn why_invalid(payload: &[u8]) -> Reject {
    match std::str::from_utf8(payload) {
        Ok(_) => Reject::InvalidJson,
        Err(_) => Reject::InvalidUtf8,
    }
}
