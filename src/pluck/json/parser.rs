//! Parses a payload into nodes, in memory that is reused for the next payload.
//!
//! Owns the copy of the payload in which simd-json unescapes strings, simd-json's buffers and
//! the tape of nodes. Nodes borrow that memory, so a closure reads them while they exist.
//! Knows nothing of keys, fields or paths.

use std::mem;

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};

use super::nodes::Nodes;
use super::shape::{STACK_LEVEL_BYTES, Shape, grown, index_capacity};
use crate::record::Reject;

/// How much simd-json's buffers have allocated. They do not say, so it is worked out.
#[derive(Debug, Default)]
struct Capacities {
    string: usize,
    index: usize,
    stack: usize,
}

/// A JSON parser with its scratch memory.
pub(crate) struct Parser {
    input: Vec<u8>,
    buffers: Buffers,
    capacities: Capacities,
    max_depth: usize,
    /// Empty between documents; only its allocation is kept.
    tape: Tape<'static>,
}

impl Parser {
    /// A parser that has allocated next to nothing yet. It takes documents in which no more
    /// than `max_depth` containers are open at once; its stack is no longer than that.
    pub(crate) fn new(max_depth: usize) -> Self {
        Self {
            input: Vec::new(),
            buffers: Buffers::with_max_depth(0, max_depth),
            capacities: Capacities::default(),
            max_depth,
            tape: Tape(Vec::new()),
        }
    }

    /// Parses all of `payload` and gives its nodes to `read`.
    ///
    /// # Errors
    ///
    /// [`Reject::InvalidUtf8`] for bytes that are not text, whatever else is wrong with them;
    /// [`Reject::InvalidJson`] for text that is not one whole document; or the error of `read`.
    pub(crate) fn parse<T>(
        &mut self,
        payload: &[u8],
        read: impl FnOnce(Nodes<'_>) -> Result<T, Reject>,
    ) -> Result<T, Reject> {
        self.copy_padded(payload);
        let mut tape = mem::replace(&mut self.tape, Tape(Vec::new()));
        let parsed = fill_tape_padded(&mut self.input, payload.len(), &mut self.buffers, &mut tape);
        let outcome = match parsed {
            Ok(()) => read(Nodes::new(&tape.0)),
            Err(_) => Err(reject_reason(payload)),
        };
        self.tape = tape.reset();
        self.update_capacities(payload.len());
        outcome
    }

    /// Scratch bytes held.
    pub(crate) fn scratch_bytes(&self) -> usize {
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

    fn update_capacities(&mut self, bytes: usize) {
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

fn reject_reason(payload: &[u8]) -> Reject {
    match std::str::from_utf8(payload) {
        Ok(_) => Reject::InvalidJson,
        Err(_) => Reject::InvalidUtf8,
    }
}
