//! Writes one response as encoded Protobuf, in pieces, while its permit grows with it.
//!
//! In pieces for three reasons: no buffer is copied to grow, a piece that was sent is free while
//! the rest is still being sent, and the transport holds no more than a piece or two of a
//! response that its caller does not read. This file knows Protobuf's encoding, but no message.

use std::collections::VecDeque;
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;
use prost::encoding::{WireType, double, encode_key, encode_varint};

use super::in_transport::{InHand, InTransport};
use crate::rpc::pool::{FREE_BYTES, Permit};
use crate::stats::ShedCause;

/// Size of a piece: what a call may hold without a part of the pool. So a call whose caller does not
/// read holds nothing of the pool, once what is left of its response is dropped.
const PIECE_BYTES: usize = FREE_BYTES;
/// Size that the first piece begins with. Most responses about one key are no larger.
const FIRST_BYTES: usize = 512;
/// What gRPC puts before a message: a zero, as it is not compressed, and its length.
const FRAME_HEADER: [u8; 5] = [0; 5];
/// A message up to this size is encoded without an allocation.
const SHORT_BYTES: usize = 64;

/// A response that is being written: one message, or several of a stream that each have a head of
/// their own. Once its permit cannot grow it drops what was written and only counts bytes, so that
/// the call knows how large a permit to wait for.
#[derive(Debug)]
pub(in crate::rpc) struct ResponseBuffer {
    full: VecDeque<Vec<u8>>,
    last: Vec<u8>,
    /// What was left free for the head of the only message; 0 if each message has its head.
    head_bytes: usize,
    message_bytes: usize,
    refused: Option<ShedCause>,
    permit: Permit,
}

/// The permit could not grow to the size of the response.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rpc) struct Refused {
    pub(in crate::rpc) cause: ShedCause,
    pub(in crate::rpc) needed_bytes: usize,
}

impl ResponseBuffer {
    pub(in crate::rpc) fn new(permit: Permit) -> Self {
        let mut buffer = Self::of_messages(permit);
        buffer.last.extend_from_slice(&FRAME_HEADER);
        buffer.head_bytes = FRAME_HEADER.len();
        buffer
    }

    /// A part of a stream, of messages that each begin with [`Self::put_message_head`].
    pub(in crate::rpc) fn of_messages(permit: Permit) -> Self {
        let last = Vec::with_capacity(FIRST_BYTES);
        let full = VecDeque::new();
        Self { full, last, head_bytes: 0, message_bytes: 0, refused: None, permit }
    }

    /// Begins a message that is this long.
    pub(in crate::rpc) fn put_message_head(&mut self, bytes: usize) {
        let mut head = FRAME_HEADER;
        head[1..].copy_from_slice(&u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes());
        self.put(&head);
    }

    /// Size of the message so far, including bytes that were counted only.
    pub(in crate::rpc) fn message_bytes(&self) -> usize {
        self.message_bytes
    }

    /// Writes these bytes.
    pub(in crate::rpc) fn put(&mut self, bytes: &[u8]) {
        self.message_bytes += bytes.len();
        let mut rest = bytes;
        while self.refused.is_none() && !rest.is_empty() {
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

    /// Writes an item of a packed field, whose head was written before.
    pub(in crate::rpc) fn put_varint(&mut self, varint: u64) {
        let mut bytes = [0; 10];
        let mut free = &mut bytes[..];
        encode_varint(varint, &mut free);
        let written = 10 - free.len();
        self.put(&bytes[..written]);
    }

    /// Writes an integer field.
    pub(in crate::rpc) fn put_integer(&mut self, tag: u32, integer: u64) {
        self.put_head(tag, WireType::Varint, integer);
    }

    /// Writes the head of a field that is this long. Its bytes have to follow.
    pub(in crate::rpc) fn put_length(&mut self, tag: u32, length: usize) {
        self.put_head(tag, WireType::LengthDelimited, length as u64);
    }

    /// Writes a string field.
    pub(in crate::rpc) fn put_text(&mut self, tag: u32, text: &str) {
        self.put_length(tag, text.len());
        self.put(text.as_bytes());
    }

    /// Writes a double field.
    pub(in crate::rpc) fn put_double(&mut self, tag: u32, value: f64) {
        let mut bytes = [0; 16];
        let mut free = &mut bytes[..];
        double::encode(tag, &value, &mut free);
        let written = 16 - free.len();
        self.put(&bytes[..written]);
    }

    /// Writes a message field.
    pub(in crate::rpc) fn put_field(&mut self, tag: u32, message: &impl Message) {
        self.put_length(tag, message.encoded_len());
        self.put_message(message);
    }

    /// Writes the fields of a message.
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

    /// Completes the response, if its permit could grow to its size.
    pub(in crate::rpc) fn finish(mut self) -> Result<FinishedResponse, Refused> {
        let needed_bytes = permit_bytes(self.head_bytes + self.message_bytes);
        if let Some(cause) = self.refused {
            return Err(Refused { cause, needed_bytes });
        }
        let length = u32::try_from(self.message_bytes).unwrap_or(u32::MAX);
        self.full.push_back(self.last);
        if self.head_bytes > 0
            && let Some(header) = self.full[0].get_mut(1..FRAME_HEADER.len())
        {
            header.copy_from_slice(&length.to_be_bytes());
        }
        // A call that waited may hold more than it needs now.
        self.permit.shrink_to(needed_bytes);
        Ok(FinishedResponse::new(self.full, self.permit))
    }

    fn put_head(&mut self, tag: u32, wire_type: WireType, varint: u64) {
        let key = (tag << 3) | wire_type as u32;
        // Nearly all heads have two bytes, and to encode those in loops slows a batch down.
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

    /// Makes space for at least one of the `rest_bytes`, or drops all pieces if the permit cannot
    /// grow. The first piece doubles, so that a small response takes little memory. The pieces
    /// after it have their full size from the beginning.
    fn grow(&mut self, rest_bytes: usize) {
        let last_bytes = if self.last.len() < PIECE_BYTES && self.full.is_empty() {
            (self.last.len() + rest_bytes).next_power_of_two().min(PIECE_BYTES)
        } else {
            self.full.push_back(std::mem::take(&mut self.last));
            PIECE_BYTES
        };
        let total_bytes = PIECE_BYTES * self.full.len() + last_bytes;
        self.refused = self.permit.grow_to(total_bytes).err();
        if self.refused.is_none() {
            self.last.reserve_exact(last_bytes - self.last.len());
        } else {
            (self.full, self.last) = (VecDeque::new(), Vec::new());
        }
    }
}

/// The permit that a response of this size needs: whole pieces, unless it is small.
fn permit_bytes(bytes: usize) -> usize {
    if bytes <= FREE_BYTES { bytes } else { bytes.next_multiple_of(PIECE_BYTES) }
}

/// A complete response, and the permit that it holds.
#[derive(Debug)]
pub(in crate::rpc) struct FinishedResponse {
    pieces: VecDeque<Vec<u8>>,
    permit: Permit,
    /// None for a response that holds nothing of the pool.
    in_transport: Option<Arc<InTransport>>,
}

impl FinishedResponse {
    /// A response of these bytes, whose permit has their size.
    pub(in crate::rpc) fn of_bytes(bytes: &[u8], permit: Permit) -> Self {
        Self::new(bytes.chunks(PIECE_BYTES).map(<[u8]>::to_vec).collect(), permit)
    }

    fn new(pieces: VecDeque<Vec<u8>>, permit: Permit) -> Self {
        let in_transport = (permit.held_bytes() > 0).then(Arc::default);
        Self { pieces, permit, in_transport }
    }

    pub(in crate::rpc) fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The bytes that are not sent yet, with the head of the message.
    pub(in crate::rpc) fn total_bytes(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// What the transport has in hand, if it may hold bytes of the pool.
    pub(in crate::rpc) fn in_transport(&self) -> Option<&Arc<InTransport>> {
        self.in_transport.as_ref()
    }

    /// Removes the next piece, which takes its part of the permit along where it needs that.
    pub(in crate::rpc) fn next_piece(&mut self) -> Option<Bytes> {
        let bytes = self.pieces.pop_front()?;
        let permit = self.permit.split(PIECE_BYTES);
        let in_hand = self.in_transport.as_ref().zip(permit).map(|(all, permit)| all.take(permit));
        Some(Bytes::from_owner(Piece { bytes, _in_hand: in_hand }))
    }
}

/// Owns the memory of `Bytes`: dropped with the last reference to any part of the piece.
struct Piece {
    bytes: Vec<u8>,
    _in_hand: Option<InHand>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
