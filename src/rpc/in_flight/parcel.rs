//! The bytes of one answer, as they go out: written once, in pieces within the room there is.
//!
//! In pieces, so that no buffer is ever copied to grow, that what is sent is free again
//! while the rest is sent, and that the transport has no more than a piece or two in its
//! hands of an answer that nobody takes.

use std::collections::VecDeque;

use prost::Message;
use prost::bytes::Bytes;
use prost::encoding::{WireType, double, encode_key, encode_varint};
use tokio::sync::OwnedSemaphorePermit;

use super::SMALL_BYTES;
use super::room::Room;

/// Bytes of a piece. Twice what is small, so that the first piece outgrows it by doubling.
pub(super) const PIECE_BYTES: usize = 2 * SMALL_BYTES;
/// What the first piece begins with; most answers of one key are no larger.
const FIRST_BYTES: usize = 512;
/// Before a message: whether it is compressed, which it is not, and its length.
const FRAME_HEADER: [u8; 5] = [0; 5];
/// A message up to this size is encoded without an allocation of its own.
const SHORT_BYTES: usize = 64;

/// An answer that is being written. What there is no room for is counted and not kept.
#[derive(Debug)]
pub(in crate::rpc) struct Parcel {
    full: VecDeque<Vec<u8>>,
    last: Vec<u8>,
    message_bytes: usize,
    has_room: bool,
    room: Room,
}

impl Parcel {
    pub(super) fn new(room: Room) -> Self {
        let mut last = Vec::with_capacity(FIRST_BYTES);
        last.extend_from_slice(&FRAME_HEADER);
        Self { full: VecDeque::new(), last, message_bytes: 0, has_room: true, room }
    }

    /// Bytes of the message so far, those among them that were only counted.
    pub(in crate::rpc) fn message_bytes(&self) -> usize {
        self.message_bytes
    }

    /// Writes these bytes.
    pub(in crate::rpc) fn put(&mut self, bytes: &[u8]) {
        self.message_bytes += bytes.len();
        let mut rest = bytes;
        while self.has_room && !rest.is_empty() {
            let free_bytes = self.last.capacity() - self.last.len();
            if free_bytes == 0 {
                self.grow(rest.len());
                continue;
            }
            let (now, later) = rest.split_at(free_bytes.min(rest.len()));
            self.last.extend_from_slice(now);
            rest = later;
        }
    }

    /// Writes what comes before a field: its number, its type, and its integer or its length.
    pub(in crate::rpc) fn put_head(&mut self, tag: u32, wire_type: WireType, varint: u64) {
        let key = (tag << 3) | wire_type as u32;
        // Nearly all are of two bytes, and a loop for each of these shows in a batch.
        if let (Ok(key @ ..0x80), Ok(varint @ ..0x80)) = (u8::try_from(key), u8::try_from(varint)) {
            return self.put(&[key, varint]);
        }
        let mut bytes = [0; 16];
        let mut free = &mut bytes[..];
        encode_key(tag, wire_type, &mut free);
        encode_varint(varint, &mut free);
        let written = 16 - free.len();
        self.put(&bytes[..written]);
    }

    /// Writes a field that is a text.
    pub(in crate::rpc) fn put_text(&mut self, tag: u32, text: &str) {
        self.put_head(tag, WireType::LengthDelimited, text.len() as u64);
        self.put(text.as_bytes());
    }

    /// Writes a field that is a double.
    pub(in crate::rpc) fn put_double(&mut self, tag: u32, value: f64) {
        let mut bytes = [0; 16];
        let mut free = &mut bytes[..];
        double::encode(tag, &value, &mut free);
        let written = 16 - free.len();
        self.put(&bytes[..written]);
    }

    /// Writes a field that is a message.
    pub(in crate::rpc) fn put_field(&mut self, tag: u32, message: &impl Message) {
        self.put_head(tag, WireType::LengthDelimited, message.encoded_len() as u64);
        self.put_message(message);
    }

    /// Writes a message.
    pub(in crate::rpc) fn put_message(&mut self, message: &impl Message) {
        let mut short = [0; SHORT_BYTES];
        match short.get_mut(..message.encoded_len()) {
            Some(mut bytes) => {
                message.encode_raw(&mut bytes);
                self.put(&short[..message.encoded_len()]);
            }
            None => self.put(&message.encode_to_vec()),
        }
    }

    /// The whole answer, or how much room it needs.
    pub(super) fn seal(mut self) -> Result<Sealed, usize> {
        if !self.has_room {
            return Err(taken_bytes(FRAME_HEADER.len() + self.message_bytes));
        }
        self.room.settle();
        self.full.push_back(self.last);
        let length = u32::try_from(self.message_bytes).unwrap_or(u32::MAX);
        if let Some(header) = self.full[0].get_mut(1..FRAME_HEADER.len()) {
            header.copy_from_slice(&length.to_be_bytes());
        }
        Ok(Sealed { pieces: self.full, room: self.room })
    }

    /// Makes room for a byte at least, or none at all any more. The first piece doubles, so that a
    /// small answer takes little; those after it are whole from the beginning.
    fn grow(&mut self, bytes: usize) {
        let piece_bytes = if self.last.len() < PIECE_BYTES && self.full.is_empty() {
            (self.last.len() + bytes).next_power_of_two().min(PIECE_BYTES)
        } else {
            self.full.push_back(std::mem::take(&mut self.last));
            PIECE_BYTES
        };
        self.has_room =
            self.room.use_bytes(taken_bytes(PIECE_BYTES * self.full.len() + piece_bytes));
        if self.has_room {
            self.last.reserve_exact(piece_bytes - self.last.len());
        } else {
            (self.full, self.last) = (VecDeque::new(), Vec::new());
        }
    }
}

/// The room that an answer of so many bytes takes: none while it is small, then whole pieces.
fn taken_bytes(bytes: usize) -> usize {
    if bytes <= SMALL_BYTES { 0 } else { bytes.next_multiple_of(PIECE_BYTES) }
}

/// A whole answer, with the room that it holds.
#[derive(Debug)]
pub(super) struct Sealed {
    pieces: VecDeque<Vec<u8>>,
    room: Room,
}

impl Sealed {
    /// Whether it holds room.
    pub(super) fn is_leased(&self) -> bool {
        self.room.held_bytes() > 0
    }

    /// Parts with the next piece; it takes its share of the room along.
    pub(super) fn next_piece(&mut self) -> Option<Bytes> {
        let bytes = self.pieces.pop_front()?;
        let share = self.room.share(PIECE_BYTES);
        Some(Bytes::from_owner(Piece { bytes, _share: share }))
    }
}

/// Dropped when the transport has let go of its last byte.
struct Piece {
    bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
