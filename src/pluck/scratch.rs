//! The memory that messages are plucked into, reused from message to message.
//!
//! A thread has one scratch for all its tables, so their number does not multiply it. A large
//! document takes exactly as much as it needs. Its memory is held until the next message: to
//! free it earlier, pluck the document into a scratch of its own and drop that.

use super::draft_builder::DraftBuilder;
use super::json::Parser;
use super::limits::Limits;

/// Scratch memory for plucking.
pub struct Scratch {
    pub(super) parser: Parser,
    /// For record keys, which are parsed beside the document.
    pub(super) key_parser: Parser,
    pub(super) builder: DraftBuilder,
    /// Whether the parser takes documents of any depth.
    is_for_any_depth: bool,
}

impl Scratch {
    /// Scratch memory that has allocated next to nothing yet.
    pub fn new() -> Self {
        // Depth costs heap here, never stack, so the size of a small document is limit enough.
        Self {
            parser: Parser::new(usize::MAX),
            key_parser: Parser::new(usize::MAX),
            builder: DraftBuilder::default(),
            is_for_any_depth: true,
        }
    }

    /// Bytes held for reuse, apart from a few for each source.
    pub fn held_bytes(&self) -> usize {
        let parsers = self.parser.scratch_bytes() + self.key_parser.scratch_bytes();
        parsers + self.builder.scratch_bytes()
    }

    /// Prepares for a small message: frees memory that is too much to keep.
    pub(super) fn prepare_for_small(&mut self) {
        if !self.is_for_any_depth || self.held_bytes() > Limits::KEPT_SCRATCH_BYTES {
            *self = Self::new();
        }
    }

    /// Prepares for one large document: frees all memory, and takes no document in which more
    /// than `depth` containers are open at once.
    pub(super) fn prepare_for_depth(&mut self, depth: usize) {
        *self = Self { parser: Parser::new(depth), is_for_any_depth: false, ..Self::new() };
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
