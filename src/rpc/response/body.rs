//! The HTTP body of a response: hands its pieces to the transport, for as long as it may take.
//!
//! tonic would copy a response into one buffer, which the transport holds until the caller has
//! read the last byte. So tonic's body is replaced by one that hands out the pieces as they are.
//!
//! When the time to send is over, a timer drops the pieces that are left, even if the transport
//! never asks for another one. If it does ask, because the caller reads on, the stream is reset.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use http_body::Frame;
use parking_lot::Mutex;
use prost::bytes::Bytes;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::buffer::ResponsePieces;

/// A service whose responses are sent from the pieces in their extensions.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct BufferedResponses<S>(pub(in crate::rpc) S);

impl<S: NamedService> NamedService for BufferedResponses<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<http::Request<B>> for BufferedResponses<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let response = self.0.call(request);
        Box::pin(async { response.await.map(replace_body) })
    }
}

/// Replaces the body if the extensions have pieces. They have none for a call without a buffer.
fn replace_body(mut response: http::Response<Body>) -> http::Response<Body> {
    match response.extensions_mut().remove::<Arc<UnsentResponse>>() {
        Some(unsent) => response.map(|_| Body::new(unsent.into_body())),
        None => response,
    }
}

/// The part of a response that the transport has not taken yet, until the time to send is over.
#[derive(Debug)]
pub(super) struct UnsentResponse {
    pieces: Mutex<Option<ResponsePieces>>,
    send_end: Option<Instant>,
}

impl UnsentResponse {
    /// The pieces are dropped at `send_end`, if there is one.
    pub(super) fn new(pieces: ResponsePieces, send_end: Option<Instant>) -> Self {
        Self { pieces: Mutex::new(Some(pieces)), send_end }
    }

    fn into_body(self: Arc<Self>) -> ResponseBody {
        // Unconstrained: otherwise tokio's budget for a task could wake it before its time.
        let mut timer = self.send_end.map(|end| Box::pin(unconstrained(sleep_until(end))));
        if let Some(timer) = &mut timer {
            let waker = Waker::from(Arc::clone(&self));
            if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                waker.wake();
            }
        }
        ResponseBody { unsent: self, _timer: timer, is_done: false }
    }
}

/// The timer wakes the response itself. A task for each response would cost more than most
/// responses do.
impl Wake for UnsentResponse {
    fn wake(self: Arc<Self>) {
        // Dropped after the lock is released.
        let late = self.pieces.lock().take();
        drop(late);
    }
}

struct ResponseBody {
    unsent: Arc<UnsentResponse>,
    _timer: Option<Pin<Box<Unconstrained<Sleep>>>>,
    is_done: bool,
}

impl ResponseBody {
    fn next_frame(&mut self) -> Result<Frame<Bytes>, Status> {
        let mut pieces = self.unsent.pieces.lock();
        let Some(pieces) = &mut *pieces else {
            self.is_done = true;
            return Err(Status::aborted("the caller did not read the response in time"));
        };
        if let Some(piece) = pieces.next_piece() {
            return Ok(Frame::data(piece));
        }
        self.is_done = true;
        let mut trailers = http::HeaderMap::with_capacity(1);
        Status::new(Code::Ok, "").add_header(&mut trailers)?;
        Ok(Frame::trailers(trailers))
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

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::super::ResponseBudget;
    use super::super::tests::{budget, respond_at_once};
    use super::*;

    const BUDGET: usize = 64 << 10;

    /// A response of this size, as the transport gets it.
    fn body(budget: &ResponseBudget, kib: usize) -> Body {
        let mut response = http::Response::new(Body::empty());
        *response.extensions_mut() = respond_at_once(budget, kib).into_parts().2;
        let response = replace_body(response);
        assert!(response.extensions().is_empty(), "only the body holds the pieces");
        response.into_body()
    }

    async fn next_frame(body: &mut Body) -> Option<Result<Frame<Bytes>, Status>> {
        std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
    }

    async fn next_data(body: &mut Body) -> Bytes {
        next_frame(body).await.unwrap().unwrap().into_data().unwrap()
    }

    #[tokio::test]
    async fn pieces_give_their_bytes_back_one_by_one() {
        let budget = budget();
        let mut body = body(&budget, 40);
        let mut data = next_data(&mut body).await;
        assert_eq!(data.len(), 8 << 10);
        let last = data.split_off(5);
        drop(data);
        assert_eq!(budget.free_bytes(), 24 << 10, "a part of the first piece is still held");
        drop(last);
        assert_eq!(budget.free_bytes(), 32 << 10);
        for _ in 1..5 {
            next_data(&mut body).await;
        }
        assert_eq!(budget.free_bytes(), BUDGET);
        let trailers = next_frame(&mut body).await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(trailers["grpc-status"], "0");
        assert!(body.is_end_stream() && next_frame(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn a_body_that_is_never_read_gives_its_bytes_back() {
        let budget = budget();
        drop(body(&budget, 40));
        assert_eq!(budget.free_bytes(), BUDGET);
    }

    #[tokio::test]
    async fn a_response_that_is_not_read_in_time_is_dropped_and_its_stream_reset() {
        let budget = budget();
        let mut response = respond_at_once(&budget, 40);
        let unsent = response.extensions_mut().remove::<Arc<UnsentResponse>>().unwrap();
        let mut pieces = unsent.pieces.lock().take().unwrap();
        let in_hand = pieces.next_piece();
        let soon = Instant::now() + std::time::Duration::from_millis(50);
        let mut body = Body::new(Arc::new(UnsentResponse::new(pieces, Some(soon))).into_body());
        // All but the piece that the transport still holds.
        drop(budget.free.acquire_many(56 << 10).await);
        assert_eq!(next_frame(&mut body).await.unwrap().unwrap_err().code(), Code::Aborted);
        assert!(body.is_end_stream());
        drop(in_hand);
        assert_eq!(budget.free_bytes(), BUDGET);
    }
}
