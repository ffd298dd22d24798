//! The HTTP body of an answer that is a stream of messages.
//!
//! It takes the next message when the transport has taken the one before, so it holds one at most,
//! however slowly its caller reads. What the messages are is not known here.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use http_body::Frame;
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::body::{end_of_dropped, trailers};
use super::buffer::FinishedResponse;
use super::sending::Sending;
use crate::rpc::errors;

/// The messages of an answer. An error ends it.
pub(in crate::rpc) type Messages = Pin<Box<dyn Stream<Item = MessageResult> + Send>>;

type MessageResult = Result<FinishedResponse, Status>;

/// The answer of one call, while it is sent.
pub(in crate::rpc) struct StreamBody {
    messages: Messages,
    /// How long a caller may take to read one message.
    send_time: Duration,
    sending: Option<Sending>,
    is_done: bool,
}

impl StreamBody {
    /// An answer with these messages. One that holds bytes of the pool, and is not read within
    /// `send_time`, is dropped, and ends the answer.
    pub(in crate::rpc) fn new(messages: Messages, send_time: Duration) -> Self {
        Self { messages, send_time, sending: None, is_done: false }
    }

    /// The next frame of the message that is being sent. None if there is no more of it.
    fn next_of_message(&mut self) -> Option<Result<Frame<Bytes>, Status>> {
        let sending = self.sending.as_mut()?;
        match sending.next_piece() {
            Ok(Some(piece)) => Some(Ok(Frame::data(piece))),
            Ok(None) => {
                self.sending = None;
                None
            }
            // A caller that waits for the rest of a message can only be told by a reset.
            Err(cause) => {
                let has_begun = sending.has_begun();
                self.is_done = true;
                self.sending = None;
                Some(end_of_dropped(errors::shed(cause), has_begun))
            }
        }
    }

    fn end(&mut self, status: &Status) -> Result<Frame<Bytes>, Status> {
        self.is_done = true;
        self.sending = None;
        trailers(status)
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        loop {
            if let Some(frame) = self.next_of_message() {
                return Poll::Ready(Some(frame));
            }
            match ready!(self.messages.as_mut().poll_next(cx)) {
                Some(Ok(message)) => {
                    let send_end = Instant::now() + self.send_time;
                    self.sending = Some(Sending::new(message, || send_end));
                }
                Some(Err(status)) => return Poll::Ready(Some(self.end(&status))),
                None => return Poll::Ready(Some(self.end(&Status::new(Code::Ok, "")))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_done
    }
}

#[cfg(test)]
mod tests;
