//! Carries the lease of an answer along with its bytes, down to the transport.
//!
//! The transport takes an answer whole and keeps it until its caller has taken the last
//! byte, long after it is done with the body. So each piece of data holds the lease, and
//! the body too, whose buffer they are cut from.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;

use super::Lease;

/// A service whose answers hold the leases that they came with while they are sent.
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
        Box::pin(async { answered.await.map(with_lease) })
    }
}

fn with_lease(mut response: http::Response<Body>) -> http::Response<Body> {
    match response.extensions_mut().remove::<Lease>() {
        Some(lease) => response.map(|body| Body::new(LeasedBody { body, lease })),
        None => response,
    }
}

struct LeasedBody {
    body: Body,
    lease: Lease,
}

impl http_body::Body for LeasedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let leased = |bytes| Bytes::from_owner(LeasedBytes { bytes, _lease: self.lease.clone() });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(leased))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Dropped with the last piece that is cut from it.
struct LeasedBytes {
    bytes: Bytes,
    _lease: Lease,
}

impl AsRef<[u8]> for LeasedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The next data of a body.
#[cfg(test)]
pub(in crate::rpc) async fn next_data<B>(mut body: Pin<&mut B>) -> Option<Bytes>
where
    B: http_body::Body<Data = Bytes, Error = Status>,
{
    let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await?;
    frame.ok()?.into_data().ok()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::rpc::in_flight::InFlight;

    #[tokio::test]
    async fn the_last_piece_that_the_transport_holds_keeps_the_lease() {
        let in_flight = InFlight::new(64 << 10);
        let answer = in_flight.answer(|_| Ok("x".repeat(40 << 10))).await.unwrap();
        let mut response = http::Response::new(Body::new("as encoded".to_owned()));
        *response.extensions_mut() = answer.into_parts().2;

        let response = with_lease(response);
        assert!(response.extensions().is_empty(), "nothing beside the body holds it");
        let mut body = Box::pin(response.into_body());
        assert!(in_flight.free_bytes() < 32 << 10);
        let mut data = next_data(pin!(&mut body)).await.unwrap();
        let last = data.split_off(5);
        drop((data, body));
        assert!(in_flight.free_bytes() < 32 << 10);
        assert_eq!(last, "coded");
        drop(last);
        assert_eq!(in_flight.free_bytes(), 64 << 10);
    }

    #[tokio::test]
    async fn a_body_that_is_never_read_gives_its_lease_back() {
        let in_flight = InFlight::new(64 << 10);
        let answer = in_flight.answer(|_| Ok("x".repeat(40 << 10))).await.unwrap();
        let mut response = http::Response::new(Body::new("as encoded".to_owned()));
        *response.extensions_mut() = answer.into_parts().2;
        drop(with_lease(response));
        assert_eq!(in_flight.free_bytes(), 64 << 10);
    }
}
