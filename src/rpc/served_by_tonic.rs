//! The services that tonic serves, health and reflection, between bodies that are charged.
//!
//! tonic reserves the announced length of a message as soon as it has its head. So it gets each
//! message only when it is complete. Each frame of its answers is charged, and sent in pieces as our
//! own answers are.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame};
use prost::bytes::{BufMut, Bytes, BytesMut};
use tonic::Status;
use tonic::codegen::http::{self, HeaderValue, Uri};
use tonic::codegen::{BoxFuture, Service};
use tonic::service::Routes;

use super::call::Call;
use super::deadline::{Deadline, MAX_SEND_TIME};
use super::errors;
use super::pool::{Permit, Purpose};
use super::request::RequestReader;
use super::response::{FinishedResponse, Sending, end_of_dropped};
use crate::stats::ShedCause;

/// The largest request: it names a service or a symbol.
pub(super) const MAX_REQUEST_BYTES: usize = 2 << 10;
/// What a stream takes in tonic: the buffers of its messages.
const STREAM_BYTES: usize = 16 << 10;
/// The one method that is no stream. Its calls take nothing of the pool, so that probes go on.
const CHECK: &str = "/grpc.health.v1.Health/Check";

/// The body of an answer.
pub(super) struct TonicBody {
    body: tonic::body::Body,
    /// The frame that is being sent.
    sending: Option<Sending>,
    deadline: Deadline,
    /// What the stream holds until it ends.
    held: Permit,
    has_begun: bool,
    is_done: bool,
}

/// The answer of tonic's service at this path.
pub(super) async fn answer<B>(
    mut routes: Routes,
    uri: Uri,
    call: Call,
    reader: RequestReader<B>,
) -> Result<http::Response<TonicBody>, Status>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
{
    let (share, deadline) = (call.share(), call.deadline());
    let mut held = share.new_permit(Purpose::Request);
    let stream_bytes = if uri.path() == CHECK { 0 } else { STREAM_BYTES };
    held.grow_to(stream_bytes).map_err(|cause| share.shed_call(cause))?;
    let mut request = http::Request::new(RequestBody { reading: Some(read(reader)) });
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    let grpc = HeaderValue::from_static("application/grpc");
    request.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    // Health shows a table to those who may know of it.
    request.extensions_mut().insert(Arc::new(call.into_caller()));
    let response = match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    Ok(response.map(|body| {
        let (has_begun, is_done) = (false, false);
        TonicBody { body, sending: None, deadline, held, has_begun, is_done }
    }))
}

impl TonicBody {
    /// Begins to send a frame.
    fn charge(&self, bytes: &Bytes) -> Result<Sending, ShedCause> {
        let mut permit = self.held.share().new_permit(Purpose::Answer);
        permit.grow_to(bytes.len()).inspect_err(|cause| self.held.share().count_shed(*cause))?;
        let frame = FinishedResponse::of_bytes(bytes, permit);
        Ok(Sending::new(frame, || self.deadline.send_end(MAX_SEND_TIME)))
    }

    /// The next piece of the frame that is being sent. None after its last.
    fn next_piece(&mut self) -> Result<Option<Bytes>, ShedCause> {
        let piece = self.sending.as_mut().map_or(Ok(None), Sending::next_piece)?;
        self.has_begun |= piece.is_some();
        Ok(piece)
    }

    fn end(&mut self, cause: ShedCause) -> Result<Frame<Bytes>, Status> {
        self.is_done = true;
        self.sending = None;
        end_of_dropped(errors::shed(cause), self.has_begun)
    }
}

impl Body for TonicBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        while !self.is_done {
            match self.next_piece() {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                Ok(None) => self.sending = None,
                Err(cause) => return Poll::Ready(Some(self.end(cause))),
            }
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data().map(|bytes| self.charge(&bytes)) {
                Ok(Ok(sending)) => self.sending = Some(sending),
                Ok(Err(cause)) => return Poll::Ready(Some(self.end(cause))),
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.is_done || self.sending.is_none() && self.body.is_end_stream()
    }
}

/// A request as tonic gets it: each frame is a complete message.
struct RequestBody<B> {
    reading: Option<Reading<B>>,
}

type Reading<B> = BoxFuture<(Option<Bytes>, RequestReader<B>), Status>;

fn read<B: Body<Data = Bytes> + Unpin + Send + 'static>(
    mut reader: RequestReader<B>,
) -> Reading<B> {
    Box::pin(async move {
        let message = reader.next().await?;
        // A stream may be silent after its first message.
        reader.wait_for_ever();
        Ok((message, reader))
    })
}

impl<B: Body<Data = Bytes> + Unpin + Send + 'static> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let read_message = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        Poll::Ready(match read_message {
            Ok((Some(message), reader)) => {
                self.reading = Some(read(reader));
                Some(Ok(Frame::data(with_head(&message))))
            }
            Ok((None, _)) => None,
            Err(status) => Some(Err(status)),
        })
    }
}

/// The message as gRPC frames it: not compressed, and its length before it.
fn with_head(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.extend_from_slice(message);
    framed.freeze()
}
