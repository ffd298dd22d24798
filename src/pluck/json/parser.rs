//! Parses a payload into nodes, in memory that is reused for the next payload.
//!
//! Owns the copy of the payload in which simd-json unescapes strings, simd-json's buffers and
//! the tape of nodes. Nodes borrow that memory, so a closure reads them while they exist.
//! Knows nothing of keys, fields or paths.

use std::mem;

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};

use super::document::Document;
use super::nodes::Nodes;
use super::repair::repair;
use super::shape::{STACK_LEVEL_BYTES, Shape, grown, index_capacity};
use super::source_text::SourceText;
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

    /// Parses all of `payload` and gives the document to `read`, or why there is none: an encoding
    /// that is known by its first bytes, [`Reject::InvalidUtf8`] for other bytes that are not text,
    /// whatever else is wrong with them, or [`Reject::InvalidJson`] for text that is not one whole
    /// document.
    pub(crate) fn parse<T>(
        &mut self,
        payload: &[u8],
        read: impl FnOnce(Result<Document<'_>, Reject>) -> T,
    ) -> T {
        self.copy_padded(payload);
        let read = match self.parse_copy(payload, false, read) {
            Ok(outcome) => return outcome,
            Err(read) => read,
        };
        if let Some(reason) = other_encoding(payload) {
            return read(Err(reason));
        }
        // Parsing has overwritten some of the copy.
        self.copy_padded(payload);
        if !repair(self.input.get_mut(..payload.len()).unwrap_or_default()) {
            return read(Err(Reject::InvalidJson));
        }
        match self.parse_copy(payload, true, read) {
            Ok(outcome) => outcome,
            Err(read) => read(Err(Reject::InvalidJson)),
        }
    }

    /// Parses the copy of `payload`, which may be repaired. Returns `read` if that is no document.
    fn parse_copy<T, R>(&mut self, payload: &[u8], is_repaired: bool, read: R) -> Result<T, R>
    where
        R: FnOnce(Result<Document<'_>, Reject>) -> T,
    {
        let copy_address = self.input.as_ptr().addr();
        let mut tape = mem::replace(&mut self.tape, Tape(Vec::new()));
        let parsed = fill_tape_padded(&mut self.input, payload.len(), &mut self.buffers, &mut tape);
        let outcome = match parsed {
            Ok(()) => {
                let source = SourceText::new(payload, copy_address);
                Ok(read(Ok(Document::new(Nodes::new(&tape.0), source, is_repaired))))
            }
            Err(_) => Err(read),
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

/// What a payload is that is not even text. No JSON begins with any of these bytes.
fn other_encoding(payload: &[u8]) -> Option<Reject> {
    match payload {
        // Confluent's and Apicurio's framing, and that of AWS Glue.
        [0x00 | 0x03, ..] => Some(Reject::FramedPayload),
        [0x1f, 0x8b, ..] => Some(Reject::CompressedPayload),
        _ => str::from_utf8(payload).is_err().then_some(Reject::InvalidUtf8),
    }
}
