//! Reads the messages of a request, each into one buffer of our own.
//!
//! The transport's frames are copied, since a small slice of one keeps the whole read buffer in
//! memory. Only the messages of a stream are slices, since they are decoded at once. The buffer grows
//! with the bytes that have come, never with those that are announced, and is charged before it
//! grows. A message over its limit is refused at its head.
//!
//! This file knows the frames of gRPC, and no message.

mod gzip;

use std::pin::Pin;

use http_body::Body;
use prost::bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};

use super::errors;
use super::pool::Permit;
use crate::stats::ShedCause;

/// What gRPC puts before a message: whether it is compressed, and its length.
const HEAD_BYTES: usize = 5;

/// How the messages of a request may be compressed, by its `grpc-encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct RequestReader<B> {
    body: B,
    encoding: Encoding,
    limit_bytes: usize,
    /// When the message that is being read has to be complete.
    end: Option<Instant>,
    permit: Permit,
    /// The rest of the frame that came last.
    frame: Bytes,
    /// The begin of a message that is not complete.
    buffer: Vec<u8>,
}

/// A message, and what it holds of the pool.
#[derive(Debug)]
pub(super) struct RequestMessage {
    pub(super) bytes: Bytes,
    pub(super) permit: Permit,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    is_compressed: bool,
    message_bytes: usize,
}

impl<B: Body<Data = Bytes> + Unpin> RequestReader<B> {
    /// A reader of messages of at most `limit_bytes`.
    pub(super) fn new(
        body: B,
        encoding: Encoding,
        limit_bytes: usize,
        end: Instant,
        permit: Permit,
    ) -> Self {
        let (frame, buffer) = (Bytes::new(), Vec::new());
        Self { body, encoding, limit_bytes, end: Some(end), permit, frame, buffer }
    }

    /// Reads the message of a request that has exactly one.
    pub(super) async fn read_only(mut self) -> Result<RequestMessage, Status> {
        if let Some(frame) = self.next_data().await? {
            let whole = self.head_of(&frame)?.filter(|head| head.frame_bytes() == frame.len());
            if let Some(head) = whole.filter(|_| self.body.is_end_stream()) {
                // Decoded at once, so there is no need to copy it.
                let bytes = self.unfold(head, frame.slice(HEAD_BYTES..))?;
                return Ok(RequestMessage { bytes, permit: self.permit });
            }
            self.keep(&frame)?;
        }
        let Some(bytes) = self.next().await? else {
            return Err(errors::malformed(Code::Unimplemented, "the request has no message"));
        };
        let has_more = !self.buffer.is_empty() || !self.frame.is_empty();
        if has_more || self.next_data().await?.is_some() {
            let message = "the request has bytes after its message";
            return Err(errors::malformed(Code::Unimplemented, message));
        }
        Ok(RequestMessage { bytes, permit: self.permit })
    }

    /// Reads the next message. None at the end of the request. It may be dropped before it is done,
    /// and loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(message) = self.next_complete()? {
                return Ok(Some(message));
            }
            match self.next_data().await? {
                Some(frame) => self.frame = frame,
                None if self.buffer.is_empty() => return Ok(None),
                None => {
                    let message = "the request ends within a message";
                    return Err(errors::malformed(Code::Internal, message));
                }
            }
        }
    }

    /// The next message, if all of it has come.
    fn next_complete(&mut self) -> Result<Option<Bytes>, Status> {
        if self.buffer.is_empty()
            && let Some(head) = self.head_of(&self.frame)?
            && self.frame.len() >= head.frame_bytes()
        {
            let message = self.frame.split_to(head.frame_bytes()).split_off(HEAD_BYTES);
            return self.unfold(head, message).map(Some);
        }
        loop {
            let head = self.head_of(&self.buffer)?;
            let wanted_bytes = head.map_or(HEAD_BYTES, Head::frame_bytes);
            let missing_bytes = wanted_bytes.saturating_sub(self.buffer.len());
            match head {
                Some(head) if missing_bytes == 0 => return self.take(head).map(Some),
                _ if self.frame.is_empty() => return Ok(None),
                _ => {
                    let part = self.frame.split_to(missing_bytes.min(self.frame.len()));
                    self.keep(&part)?;
                }
            }
        }
    }

    /// Lets the messages after the first take their time.
    pub(super) fn wait_for_ever(&mut self) {
        self.end = None;
    }

    /// The next frame that is not empty.
    async fn next_data(&mut self) -> Result<Option<Bytes>, Status> {
        while let Some(frame) = self.next_frame().await? {
            if !frame.is_empty() {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    async fn next_frame(&mut self) -> Result<Option<Bytes>, Status> {
        let share = self.permit.share().clone();
        let holds_bytes = self.permit.held_bytes() > 0;
        let body = &mut self.body;
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        let end = self.end;
        let in_time = async {
            match end {
                Some(end) => timeout_at(end, frame).await.map_err(|_| ShedCause::RequestLate),
                None => Ok(frame.await),
            }
        };
        let frame = tokio::select! {
            biased;
            frame = in_time => frame,
            () = share.shed(), if holds_bytes => Err(ShedCause::MemoryShort),
        };
        match frame.map_err(|cause| share.shed_call(cause))? {
            // What comes after the data, such as trailers, is no part of a request.
            Some(Ok(frame)) => Ok(frame.into_data().ok()),
            Some(Err(_)) => Err(Status::cancelled("the request was not sent to its end")),
            None => Ok(None),
        }
    }

    /// Copies a frame to the buffer.
    fn keep(&mut self, frame: &[u8]) -> Result<(), Status> {
        let needed_bytes = self.buffer.len() + frame.len();
        if needed_bytes > self.buffer.capacity() {
            // Doubles, as a vector does, but is charged before, and not beyond the message.
            let head = self.head_of(&self.buffer)?;
            let whole_bytes = head.map_or(0, Head::frame_bytes);
            let capacity_bytes = needed_bytes.max(whole_bytes.min(2 * self.buffer.capacity()));
            self.charge(capacity_bytes)?;
            self.buffer.reserve_exact(capacity_bytes - self.buffer.len());
        }
        self.buffer.extend_from_slice(frame);
        Ok(())
    }

    /// Takes a complete message out of the buffer.
    fn take(&mut self, head: Head) -> Result<Bytes, Status> {
        let rest = self.buffer.split_off(head.frame_bytes());
        let message = Bytes::from(std::mem::replace(&mut self.buffer, rest)).split_off(HEAD_BYTES);
        self.unfold(head, message)
    }

    /// The message as it was before it was compressed.
    fn unfold(&mut self, head: Head, message: Bytes) -> Result<Bytes, Status> {
        if head.is_compressed {
            let limit_bytes = self.limit_bytes;
            let charge = |bytes| self.charge(message.len() + bytes);
            return gzip::unfold(&message, limit_bytes, charge).map(Bytes::from);
        }
        Ok(message)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Status> {
        self.permit.grow_to(bytes).map_err(|cause| self.permit.share().shed_call(cause))
    }

    /// The head of the message that these bytes begin with, if it is complete.
    fn head_of(&self, bytes: &[u8]) -> Result<Option<Head>, Status> {
        let Some((&[flag, length @ ..], _)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let message_bytes = u32::from_be_bytes(length) as usize;
        if message_bytes > self.limit_bytes {
            return Err(errors::request_too_large(self.limit_bytes));
        }
        let is_compressed = match flag {
            0 => false,
            1 if self.encoding == Encoding::Gzip => true,
            _ => {
                let message = "the flag of compression is wrong, or there is no grpc-encoding";
                return Err(errors::malformed(Code::Internal, message));
            }
        };
        Ok(Some(Head { is_compressed, message_bytes }))
    }
}

impl Head {
    /// The length of the message with its head.
    fn frame_bytes(self) -> usize {
        HEAD_BYTES + self.message_bytes
    }
}

#[cfg(test)]
mod tests;
