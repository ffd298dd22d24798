//! Text that grows no longer than its limit, however much is written to it.

use std::fmt;

/// A text to write to; its allocation is reused.
#[derive(Debug, Default)]
pub(super) struct BoundedText {
    text: String,
    max_bytes: usize,
}

impl BoundedText {
    /// Empties it for the next text, which may be as long as this.
    pub(super) fn restart(&mut self, max_bytes: usize) {
        self.text.clear();
        self.max_bytes = max_bytes;
    }

    /// The text so far.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes that are allocated.
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }
}

/// Fails if the text would be too long, and for no other reason.
impl fmt::Write for BoundedText {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.text.len() + piece.len() > self.max_bytes {
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        Ok(())
    }
}
