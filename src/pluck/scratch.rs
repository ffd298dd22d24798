//! The memory that messages are plucked into, reused from message to message.
//!
//! A thread has one scratch for all its tables, so their number does not multiply it.

use super::draft_builder::DraftBuilder;
use super::json::LocateScratch;
use super::limits::Limits;

/// Scratch memory for plucking.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) document: LocateScratch,
    /// For record keys, which are looked at beside the document.
    pub(super) record_key: LocateScratch,
    pub(super) builder: DraftBuilder,
}

impl Scratch {
    /// Scratch memory that has allocated next to nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held for reuse, apart from a few for each source.
    pub fn held_bytes(&self) -> usize {
        let located = self.document.capacity_bytes() + self.record_key.capacity_bytes();
        located + self.builder.scratch_bytes()
    }

    /// Prepares for a message: frees memory that is too much to keep.
    pub(super) fn prepare(&mut self) {
        if self.held_bytes() > Limits::KEPT_SCRATCH_BYTES {
            *self = Self::new();
        }
    }
}
