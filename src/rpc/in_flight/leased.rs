//! Hands answers to the transport, piece by piece, for as long as they may take.
//!
//! tonic would copy an answer into a buffer of its own, of which the transport could hold the
//! whole until the caller has taken the last byte. So the body that it makes is replaced by one
//! that gives the pieces of the answer as they are. When the time is over, what was not
//! given yet is let go at once, whether or not the transport ever asks again; it asks for a
//! piece as soon as the caller takes a byte more, and the stream is reset then.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use http_body::Frame;
use prost::bytes::Bytes;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::parcel::Sealed;

/// A service whose answers are sent as they were written.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct Leased<S>(pub(in crate::rpc) S);

impl<S: NamedService> NamedService for Leased<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<http::Request<B>> for Leased<S>
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
        let answered = self.0.call(request);
        Box::pin(async { answered.await.map(with_answer) })
    }
}

pub(super) fn with_answer(mut response: http::Response<Body>) -> http::Response<Body> {
    match response.extensions_mut().remove::<Outgoing>() {
        Some(outgoing) => response.map(|_| Body::new(outgoing.send())),
        None => response,
    }
}

/// What the transport did not get yet of an answer; none when the time is over.
#[derive(Debug)]
struct Left {
    answer: Mutex<Option<Sealed>>,
    end: Option<Instant>,
}

/// An answer beside its message, until it is sent. Clones are the same answer.
#[derive(Debug, Clone)]
pub(super) struct Outgoing(Arc<Left>);

impl Outgoing {
    /// It is let go at its end, if it has one.
    pub(super) fn new(answer: Sealed, end: Option<Instant>) -> Self {
        Self(Arc::new(Left { answer: Mutex::new(Some(answer)), end }))
    }

    fn send(self) -> Sending {
        let Self(left) = self;
        // Out of turn, so that it wakes for its time alone.
        let mut end = left.end.map(|end| Box::pin(unconstrained(sleep_until(end))));
        if let Some(end) = &mut end {
            let waker = Waker::from(Arc::clone(&left));
            if end.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                waker.wake();
            }
        }
        Sending { left, _end: end, is_done: false }
    }
}

impl Left {
    fn lock(&self) -> MutexGuard<'_, Option<Sealed>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Woken by the timer itself: a task for each answer would cost more than most answers.
impl Wake for Left {
    fn wake(self: Arc<Self>) {
        let late = self.lock().take();
        drop(late);
    }
}

/// The body of an answer.
struct Sending {
    left: Arc<Left>,
    _end: Option<Pin<Box<Unconstrained<Sleep>>>>,
    is_done: bool,
}

impl Sending {
    fn next_frame(&mut self) -> Result<Frame<Bytes>, Status> {
        let mut left = self.left.lock();
        let Some(answer) = &mut *left else {
            self.is_done = true;
            return Err(Status::aborted("the answer was not taken in time"));
        };
        if let Some(piece) = answer.next_piece() {
            return Ok(Frame::data(piece));
        }
        self.is_done = true;
        let mut trailers = http::HeaderMap::with_capacity(1);
        Status::new(Code::Ok, "").add_header(&mut trailers)?;
        Ok(Frame::trailers(trailers))
    }
}

impl http_body::Body for Sending {
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

    use super::super::InFlight;
    use super::super::tests::{at_once, in_flight};
    use super::*;

    const BUDGET: usize = 64 << 10;

    /// An answer of so much as it goes to the transport, after tonic.
    fn body(in_flight: &InFlight, kib: usize) -> Body {
        let mut response = http::Response::new(Body::empty());
        *response.extensions_mut() = at_once(in_flight, kib).into_parts().2;
        let response = with_answer(response);
        assert!(response.extensions().is_empty(), "nothing beside the body holds it");
        response.into_body()
    }

    async fn next_frame(body: &mut Body) -> Option<Result<Frame<Bytes>, Status>> {
        std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
    }

    async fn next_data(body: &mut Body) -> Bytes {
        next_frame(body).await.unwrap().unwrap().into_data().unwrap()
    }

    #[tokio::test]
    async fn pieces_give_their_room_back_one_by_one() {
        let in_flight = in_flight();
        let mut body = body(&in_flight, 40);
        let mut data = next_data(&mut body).await;
        assert_eq!(data.len(), 8 << 10);
        let last = data.split_off(5);
        drop(data);
        assert_eq!(in_flight.free_bytes(), 24 << 10, "a part of the first is still held");
        drop(last);
        assert_eq!(in_flight.free_bytes(), 32 << 10);
        for _ in 1..5 {
            next_data(&mut body).await;
        }
        assert_eq!(in_flight.free_bytes(), BUDGET);
        let trailers = next_frame(&mut body).await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(trailers["grpc-status"], "0");
        assert!(body.is_end_stream() && next_frame(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn a_body_that_is_never_read_gives_its_room_back() {
        let in_flight = in_flight();
        drop(body(&in_flight, 40));
        assert_eq!(in_flight.free_bytes(), BUDGET);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_takes_in_time_is_let_go_and_its_stream_reset() {
        let in_flight = in_flight();
        let mut response = at_once(&in_flight, 40);
        let outgoing = response.extensions_mut().remove::<Outgoing>().unwrap();
        let mut answer = outgoing.0.lock().take().unwrap();
        let in_hand = answer.next_piece();
        let soon = Instant::now() + std::time::Duration::from_millis(50);
        let mut body = Body::new(Outgoing::new(answer, Some(soon)).send());
        // All but the piece that the transport has in its hands.
        drop(in_flight.free.acquire_many(56 << 10).await);
        assert_eq!(next_frame(&mut body).await.unwrap().unwrap_err().code(), Code::Aborted);
        assert!(body.is_end_stream());
        drop(in_hand);
        assert_eq!(in_flight.free_bytes(), BUDGET);
    }
}
