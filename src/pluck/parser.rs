//! Turns a payload into a tape of nodes, in memory that is used again for the next payload.
//!
//! Owns the scratch copy that the parser unescapes strings in, the parser's own
//! buffers and the tape. The nodes borrow the copy, so they are lent to a closure
//! and gone when it returns. Knows nothing of keys, fields or paths.

use std::mem;

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};

use super::shape::{STACK_LEVEL_BYTES, Shape, grown, index_capacity};
use crate::record::Reject;

/// What the parser's buffers hold by now; they keep it to themselves.
#[derive(Debug, Default)]
struct Capacities {
    string: usize,
    index: usize,
    stack: usize,
}

/// A JSON parser with its scratch memory.
pub(super) struct Parser {
    input: Vec<u8>,
    buffers: Buffers,
    capacities: Capacities,
    max_depth: usize,
    /// Empty between documents; only its allocation is kept.
    tape: Tape<'static>,
}

impl Parser {
    /// A parser that has allocated nothing to speak of yet. Its stack has room for all
    /// structural characters of a document, or for `max_depth` where that is less.
    pub(super) fn new(max_depth: usize) -> Self {
        Self {
            input: Vec::new(),
            buffers: Buffers::with_max_depth(0, max_depth),
            capacities: Capacities::default(),
            max_depth,
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

    /// Scratch bytes held.
    pub(super) fn scratch_bytes(&self) -> usize {
        let Capacities { string, index, stack } = self.capacities;
        let buffers = string + index * size_of::<u32>() + stack * STACK_LEVEL_BYTES;
        self.input.capacity() + self.tape.0.capacity() * size_of::<Node<'_>>() + buffers
    }

    fn copy_padded(&mut self, payload: &[u8]) {
        self.input.clear();
        self.input.reserve(payload.len() + INPUT_PADDING);
        self.input.extend_from_slice(payload);
        self.input.resize(payload.len() + INPUT_PADDING, b' ');
    }

    fn note_buffers(&mut self, bytes: usize) {
        let structurals = self.buffers.structural_indexes().len();
        let depth = structurals.min(self.max_depth);
        let Capacities { string, index, stack } = self.capacities;
        self.capacities = Capacities {
            string: grown(string, bytes + INPUT_PADDING),
            index: index_capacity(index, Shape { bytes, structurals, depth }),
            stack: grown(stack, depth),
        };
    }
}

fn why_invalid(payload: &[u8]) -> Reject {
    match std::str::from_utf8(payload) {
        Ok(_) => Reject::InvalidJson,
        Err(_) => Reject::InvalidUtf8,
    }
}
