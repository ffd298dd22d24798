//! The memory that messages are plucked in, used again from message to message.
//!
//! One thread's, and for all its tables: kept memory is not multiplied by them. A giant
//! has a scratch of its own, exactly as large as it takes and gone when it is done.

use super::assembly::Assembly;
use super::limits::Limits;
use super::parser::Parser;

/// Scratch memory for plucking.
pub struct Scratch {
    pub(super) parser: Parser,
    pub(super) assembly: Assembly,
}

impl Scratch {
    /// Scratch memory that has allocated nothing to speak of yet.
    pub fn new() -> Self {
        // Depth costs heap here, never stack, and so a small document's size is limit enough.
        Self::for_depth(usize::MAX)
    }

    /// The same for documents that have no more containers open at once.
    pub(super) fn for_depth(depth: usize) -> Self {
        Self { parser: Parser::new(depth), assembly: Assembly::default() }
    }

    /// Bytes held between messages for reuse, but for a few in proportion to the sources;
    /// never over a quarter of a MiB.
    pub fn held_bytes(&self) -> usize {
        self.parser.scratch_bytes() + self.assembly.scratch_bytes()
    }

    /// Gives back what would be too much to keep.
    pub(super) fn trim(&mut self) {
        if self.held_bytes() > Limits::KEPT_SCRATCH_BYTES {
            *self = Self::new();
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
