//! The HTTP body of an answer of one message: hands its pieces to the transport, and then how the call ended.
//!
//! A caller that has read nothing of an answer that was dropped is told why. One that has read a
//! part finds its stream reset.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::Frame;
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::codegen::http::HeaderMap;
use tonic::{Code, Status};

use super::buffer::FinishedResponse;
use super::sending::Sending;
use crate::rpc::errors;

/// The answer of one call, while it is sent.
pub(in crate::rpc) struct ResponseBody {
    sending: Sending,
    is_done: bool,
}

impl ResponseBody {
    /// An answer that is dropped at the end of sending if it holds bytes of the pool.
    pub(in crate::rpc) fn new(
        response: FinishedResponse,
        send_end: impl FnOnce() -> Instant,
    ) -> Self {
        Self { sending: Sending::new(response, send_end), is_done: false }
    }

    fn next_frame(&mut self) -> Result<Frame<Bytes>, Status> {
        let end = match self.sending.next_piece() {
            Ok(Some(piece)) => return Ok(Frame::data(piece)),
            Ok(None) => trailers(&Status::new(Code::Ok, "")),
            Err(cause) => end_of_dropped(errors::shed(cause), self.sending.has_begun()),
        };
        self.is_done = true;
        end
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = (!self.is_done).then(|| self.next_frame());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.is_done
    }
}

/// The end of an answer that was dropped: a reset if a part of it was sent. gRPC clients read this
/// reset as `RESOURCE_EXHAUSTED`.
pub(in crate::rpc) fn end_of_dropped(
    mut status: Status,
    has_begun: bool,
) -> Result<Frame<Bytes>, Status> {
    if has_begun {
        // hyper takes the code of the reset from the source of the error.
        status.set_source(Arc::new(h2::Error::from(h2::Reason::ENHANCE_YOUR_CALM)));
        return Err(status);
    }
    trailers(&status)
}

/// The end of an answer by a status.
pub(in crate::rpc) fn trailers(status: &Status) -> Result<Frame<Bytes>, Status> {
    let mut trailers = HeaderMap::with_capacity(1);
    status.add_header(&mut trailers)?;
    Ok(Frame::trailers(trailers))
}

#[cfg(test)]
mod tests;
