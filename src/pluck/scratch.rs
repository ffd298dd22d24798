//! The memory that messages are plucked in, reused from message to message.
//!
//! A thread has one scratch for all its tables, so their number does not multiply it. A
//! large document takes exactly as much as it needs; give it a scratch of its own to drop
//! afterwards, or else its memory is held until the next message.

use super::assembly::Assembly;
use super::limits::Limits;
use super::parser::Parser;

/// Scratch memory for plucking.
pub struct Scratch {
    pub(super) parser: Parser,
    pub(super) assembly: Assembly,
    /// Whether the parser takes documents of any depth.
    is_for_any_depth: bool,
}

impl Scratch {
    /// Scratch memory that has allocated next to nothing yet.
    pub fn new() -> Self {
        // Depth costs heap here, never stack, and so a small document's size is limit enough.
        Self {
            parser: Parser::new(usize::MAX),
            assembly: Assembly::default(),
            is_for_any_depth: true,
        }
    }

    /// Bytes held between messages, but for a few in proportion to the sources. After a small
    /// message never more than what the budget reserves for one.
    pub fn held_bytes(&self) -> usize {
        self.parser.scratch_bytes() + self.assembly.scratch_bytes()
    }

    /// Prepares for a small message: frees what is too much to keep, or of no use to it.
    pub(super) fn prepare_for_small(&mut self) {
        if !self.is_for_any_depth || self.held_bytes() > Limits::KEPT_SCRATCH_BYTES {
            *self = Self::new();
        }
    }

    /// Prepares for one document that has no more than `depth` containers open at once.
    pub(super) fn prepare_for_depth(&mut self, depth: usize) {
        let (parser, assembly) = (Parser::new(depth), Assembly::default());
        *self = Self { parser, assembly, is_for_any_depth: false };
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
