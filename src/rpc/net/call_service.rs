//! Takes the calls of one connection: gives each a place and a record, and hands it to the service.
//!
//! Owns what surrounds a call: the cap on streams in all, what is known of the call while it is
//! open, and its end while its request is incomplete. It does not know what a call is about.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use prost::bytes::Bytes;
use tokio::time::timeout;
use tonic::codegen::http::{HeaderMap, Method, Request, Response, StatusCode};
use tonic::{Code, Status};

use super::admission::Admission;
use super::calls::{Call, OpenCall};
use super::caps::ConnectionStreams;
use super::peer::Peer;
use super::registry::Connection;
use crate::request_id::RequestId;
use crate::rpc::body::Body;
use crate::rpc::call_counters::{CountedCall, ThreadCounters};
use crate::rpc::errors;
use crate::rpc::pool::CloseConnection;
use crate::rpc::response::trailers;
use crate::trace::OpenSpan;

/// What answers calls.
pub(in crate::rpc) trait Answer: Clone + Send + Sync + 'static {
    /// The same for the calls of one more connection, with this peer. `close` closes it, because its
    /// peer does not read.
    fn for_connection(&self, peer: &Peer, close: CloseConnection) -> Self;

    /// Answers a call. It may keep nothing of the headers for longer than this takes: h2 hands them
    /// out as slices of its read buffer, so one short header would hold 16 KiB.
    fn answer(&self, request: Request<RequestBody>) -> Answering;
}

/// A call that is being answered.
pub(in crate::rpc) type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// The service of one connection.
pub(super) struct CallService<S> {
    service: S,
    admission: Arc<Admission>,
    counters: Arc<ThreadCounters>,
    connection: Arc<Connection>,
    streams: ConnectionStreams,
}

/// The body of a request, which tells the record of its call when it is complete.
#[derive(Debug)]
pub(in crate::rpc) struct RequestBody {
    body: Incoming,
    call: Arc<Call>,
}

/// A call that the service works on.
pub(super) struct CallFuture(State);

enum State {
    Refused(Option<Box<Response<Body>>>),
    InWork(Answering, Option<OpenCall>),
}

/// The body of a response. Its call is open for as long as there is more of it.
pub(super) struct ResponseBody {
    body: Body,
    /// None for a call that was refused.
    call: Option<OpenCall>,
    is_done: bool,
}

impl<S> CallService<S> {
    pub(super) fn new(
        service: S,
        admission: Arc<Admission>,
        counters: Arc<ThreadCounters>,
        connection: Arc<Connection>,
    ) -> Self {
        let streams = admission.streams.of_connection();
        Self { service, admission, counters, connection, streams }
    }

    /// Opens a call, or answers it at once.
    fn open(&self, request: &Request<Incoming>) -> Result<OpenCall, Box<Response<Body>>> {
        let request_id = request_id(request.headers());
        let mut counted = CountedCall::start(&self.counters, request.uri().path());
        counted.trace(request.headers());
        let Some(place) = self.streams.enter() else {
            self.admission.counters.count_shed_stream();
            self.connection.meter.count_refused();
            let status = errors::too_many_streams(self.admission.config.max_streams.get());
            counted.set_code(status.code());
            counted.end(Duration::ZERO);
            let mut refusal: Response<Body> = status.into_http();
            errors::add_request_id(refusal.headers_mut(), &request_id);
            return Err(Box::new(refusal));
        };
        // Parsing text copies it.
        let method = request.uri().path().parse().ok();
        Ok(self.connection.calls.open(method, request_id, place, counted))
    }
}

impl<S: Answer> hyper::service::Service<Request<Incoming>> for CallService<S> {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = CallFuture;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let open = match self.open(&request) {
            Ok(open) => open,
            Err(refusal) => return CallFuture(State::Refused(Some(refusal))),
        };
        let call = Arc::clone(&open.call);
        let is_call = request.method() == Method::POST;
        let request = request.map(|body| RequestBody::new(body, call));
        let answering = if is_call {
            self.service.answer(request)
        } else {
            Box::pin(refuse(request.into_body(), self.admission.config.request_timeout))
        };
        CallFuture(State::InWork(answering, Some(open)))
    }
}

/// The id that the caller gives its call, or one that is made here.
fn request_id(headers: &HeaderMap) -> RequestId {
    let given = headers.get("x-request-id");
    given.map_or_else(RequestId::random, |given| RequestId::of(given.as_bytes()))
}

/// Answers what is no call, once it is complete: HTTP/2 wants a stream that is open until then.
async fn refuse(mut body: RequestBody, request_timeout: Duration) -> Response<Body> {
    let read = async {
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            if frame.is_err() {
                // The stream is reset, and this ends with it.
                pending::<()>().await;
            }
        }
    };
    // Complete or not, the answer is the same.
    let _ = timeout(request_timeout, read).await;
    let mut refusal = Response::new(Body::Empty);
    *refusal.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    refusal
}

impl Future for CallFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (response, call) = match &mut self.0 {
            State::Refused(response) => (*response.take().unwrap_or_default(), None),
            State::InWork(work, open) => match work.as_mut().poll(cx) {
                Poll::Ready(response) => (response, open.take().map(OpenCall::mark_answered)),
                Poll::Pending => {
                    let is_over = |open: &OpenCall| open.call.poll_ended(cx.waker());
                    if !open.as_ref().is_some_and(is_over) {
                        return Poll::Pending;
                    }
                    (errors::draining().into_http(), open.take())
                }
            },
        };
        Poll::Ready(Ok(with_call(response, call)))
    }
}

/// The response, whose call ends with its body. A response without a body has its status in the
/// headers.
fn with_call(mut response: Response<Body>, mut call: Option<OpenCall>) -> Response<ResponseBody> {
    if let Some(call) = &mut call
        && response.body().is_end_stream()
    {
        observe_end(call, response.headers_mut());
    }
    response.map(|body| ResponseBody { body, call, is_done: false })
}

/// Takes the status from the headers or trailers that the caller gets. An error gets the id of the
/// call.
fn observe_end(call: &mut OpenCall, headers: &mut HeaderMap) {
    if call.counted.observe(headers) != Code::Ok {
        errors::add_request_id(headers, &call.call.request_id);
    }
}

impl RequestBody {
    /// The span of the call, if it is traced.
    pub(in crate::rpc) fn span(&self) -> Option<Arc<OpenSpan>> {
        self.call.span.clone()
    }

    /// The id of the call.
    pub(in crate::rpc) fn request_id(&self) -> &RequestId {
        &self.call.request_id
    }

    fn new(body: Incoming, call: Arc<Call>) -> Self {
        if body.is_end_stream() {
            call.mark_complete();
        }
        Self { body, call }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || frame.is_ready() && self.body.is_end_stream() {
            self.call.mark_complete();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl ResponseBody {
    /// The end of a response whose request is incomplete.
    fn end(&mut self) -> Result<Frame<Bytes>, Status> {
        self.is_done = true;
        trailers(&errors::draining())
    }

    /// Takes the status from a frame that has it, or from the fault that cuts the response.
    fn observe(&mut self, frame: Option<&mut Result<Frame<Bytes>, Status>>) {
        let (Some(frame), Some(call)) = (frame, &mut self.call) else { return };
        match frame {
            Ok(frame) => {
                if let Some(trailers) = frame.trailers_mut() {
                    observe_end(call, trailers);
                }
            }
            Err(status) => call.counted.set_code(status.code()),
        }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_done {
            return Poll::Ready(None);
        }
        let mut frame = Pin::new(&mut self.body).poll_frame(cx);
        let is_over = |open: &OpenCall| open.call.poll_ended(cx.waker());
        if frame.is_pending() && self.call.as_ref().is_some_and(is_over) {
            frame = Poll::Ready(Some(self.end()));
        }
        if let Poll::Ready(frame) = &mut frame {
            self.observe(frame.as_mut());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.is_done || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
