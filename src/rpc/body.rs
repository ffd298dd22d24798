//! The body of any response, as the transport gets it.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body as HttpBody, Frame};
use prost::bytes::Bytes;
use tonic::Status;

use super::response::{ResponseBody, StreamBody};
use super::served_by_tonic::TonicBody;

/// The body of a response.
#[derive(Default)]
pub(super) enum Body {
    /// The status is in the headers.
    #[default]
    Empty,
    Message(ResponseBody),
    Stream(StreamBody),
    Tonic(TonicBody),
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Message(body) => Pin::new(body).poll_frame(cx),
            Self::Stream(body) => Pin::new(body).poll_frame(cx),
            Self::Tonic(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Message(body) => body.is_end_stream(),
            Self::Stream(body) => body.is_end_stream(),
            Self::Tonic(body) => body.is_end_stream(),
        }
    }
}
