//! Text that takes no more than it was given room for, however much is written to it.

use std::fmt;

/// A text that is written to; its allocation is reused.
#[derive(Debug, Default)]
pub(super) struct BoundedText {
    text: String,
    room_bytes: usize,
}

impl BoundedText {
    /// Empties it for the next text.
    pub(super) fn restart(&mut self, room_bytes: usize) {
        self.text.clear();
        self.room_bytes = room_bytes;
    }

    /// What was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// How many bytes are allocated.
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }
}

/// Fails where there is no room, and only there.
impl fmt::Write for BoundedText {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.text.len() + piece.len() > self.room_bytes {
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        Ok(())
    }
}
