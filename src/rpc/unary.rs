//! The front of all services: reads each request into the pool's bytes, and calls its method.
//!
//! ```text
//! headers -> Caller, Call -> RequestReader -> decode -> method -> FinishedResponse -> ResponseBody
//!                                                              or a source of such -> StreamBody
//! ```
//!
//! The methods of our own services are called from here: [`Method`] lists them. Every other path
//! goes to the services of tonic behind it, through `served_by_tonic.rs`. The headers of a call are
//! dropped before its request is read, so that no call holds any while it waits.

use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body::Body as HttpBody;
use prost::bytes::Bytes;
use tokio::sync::watch;
use tonic::codegen::http::{self, HeaderMap, HeaderValue, Method as HttpMethod, StatusCode};
use tonic::service::Routes;
use tonic::{Code, Status};

use super::authorization::{self, Service};
use super::body::Body;
use super::call::Call;
use super::callers::{Callers, Connection};
use super::costs::measured;
use super::deadline::{Deadline, MAX_SEND_TIME};
use super::errors;
use super::gateway::Gateway;
use super::lookup_stream::LookupStream;
use super::methods::{Answered, Methods, max_request_bytes};
use super::net::{Answer, Answering, Peer, RequestBody};
use super::pool::{CloseConnection, Purpose};
use super::request::{Encoding, RequestReader};
use super::response::{ResponseBody, StreamBody};
use super::served_by_tonic;
use super::streamed::{self, StreamEnds, StreamedCall};
use crate::proto::Method;
use crate::stats::ShedCause;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// All services, for the calls of one connection. Clones share them.
#[derive(Clone)]
pub(super) struct Dispatch {
    front: Arc<Front>,
    connection: Arc<Connection>,
}

/// What all connections share.
pub(super) struct Front {
    pub(super) methods: Arc<Methods>,
    /// Serves what is none of our methods.
    pub(super) routes: Routes,
    /// What callers may hold and do, and what they cost.
    pub(super) callers: Callers,
    /// The time within which a request has to be complete.
    pub(super) request_timeout: Duration,
    /// Becomes true when the service stops, and ends the streams.
    pub(super) draining: watch::Receiver<bool>,
}

type Response = http::Response<Body>;

impl Dispatch {
    pub(super) fn new(front: Front) -> Self {
        // Nobody calls by this one: each connection has its own.
        let nobody = Peer { address: (Ipv4Addr::UNSPECIFIED, 0).into(), certificate: None };
        let connection = Arc::new(front.callers.of_connection(&nobody, Box::new(|| ())));
        Self { front: Arc::new(front), connection }
    }

    /// The same methods, for calls that come another way than by gRPC.
    pub(super) fn gateway(&self) -> Gateway {
        Gateway::new(Arc::clone(&self.front.methods), self.front.callers.clone())
    }
}

impl Front {
    /// The size of the largest request to a method. None is one that tonic serves.
    fn max_request_bytes(&self, method: Option<Method>) -> usize {
        method.map_or(served_by_tonic::MAX_REQUEST_BYTES, |method| {
            max_request_bytes(method, self.callers.pool.connection_bytes(Purpose::Request))
        })
    }
}

impl Answer for Dispatch {
    fn for_connection(&self, peer: &Peer, close: CloseConnection) -> Self {
        let connection = Arc::new(self.front.callers.of_connection(peer, close));
        Self { front: Arc::clone(&self.front), connection }
    }

    fn answer(&self, request: http::Request<RequestBody>) -> Answering {
        let (head, body) = request.into_parts();
        let encoding = match check(&head) {
            Ok(encoding) => encoding,
            Err(refusal) => return Box::pin(async { *refusal }),
        };
        let service = Service::at(head.uri.path());
        let connection = &self.connection;
        let admitted =
            authorization::admit(&connection.access, body.request_id(), service, &head.headers);
        let caller = match admitted {
            Ok(caller) => caller,
            Err(denial) => return Box::pin(async move { errors::denied(denial).into_http() }),
        };
        let (share, costs) = (connection.share.clone(), connection.costs.clone());
        let call = Call::new(Deadline::of(&head.headers), share, caller, costs).traced(body.span());
        let end = call.deadline().send_end(self.front.request_timeout);
        let method = service.method();
        let limit_bytes = self.front.max_request_bytes(method);
        let permit = call.share().new_permit(Purpose::Request);
        let reader = RequestReader::new(body, encoding, limit_bytes, end, permit);
        let Some(method) = method else {
            // Parsing text copies it.
            let path = head.uri.path().parse().unwrap_or_default();
            let routes = self.front.routes.clone();
            return Box::pin(async move {
                let answer = served_by_tonic::answer(routes, path, call, reader).await;
                answer.map_or_else(Status::into_http, |response| response.map(Body::Tonic))
            });
        };
        let Self { front, connection } = self.clone();
        Box::pin(async move {
            let (answered, spent) = {
                let answering = pin!(answer(&front.methods, method, &call, reader));
                measured(answering).await
            };
            call.add_cost(spent, answered.as_ref().map(Answered::message_bytes));
            answered.map_or_else(Status::into_http, |answer| {
                let ends = StreamEnds { peer: &connection.access, draining: &front.draining };
                response_of(answer, call, ends)
            })
        })
    }
}

/// The answer to a call, once its one request was read.
async fn answer<B: HttpBody<Data = Bytes> + Unpin + Send + 'static>(
    methods: &Arc<Methods>,
    method: Method,
    call: &Call,
    reader: RequestReader<B>,
) -> Result<Answered, Status> {
    if method == Method::StreamGet {
        let stream = LookupStream::open(Arc::clone(methods), call, reader)?;
        return Ok(Answered::Stream(Box::new(stream)));
    }
    let request = reader.read_only().await?;
    let share = call.share();
    let holds_bytes = request.permit.held_bytes() > 0;
    let answered = tokio::select! {
        biased;
        answered = methods.call(method, call, request) => answered?,
        () = share.shed(), if holds_bytes => return Err(share.shed_call(ShedCause::MemoryShort)),
    };
    call.caller().take_bytes(answered.message_bytes());
    Ok(answered)
}

fn response_of(answered: Answered, call: Call, ends: StreamEnds<'_>) -> Response {
    let body = match answered {
        Answered::Message(message) => {
            let send_end = || call.deadline().send_end(MAX_SEND_TIME);
            Body::Message(ResponseBody::new(message, send_end))
        }
        Answered::Stream(source) => {
            let messages = streamed::messages(StreamedCall::new(call, ends), source);
            Body::Stream(StreamBody::new(messages, MAX_SEND_TIME))
        }
    };
    let mut response = http::Response::new(body);
    response.headers_mut().insert(http::header::CONTENT_TYPE, GRPC);
    response
}

/// The encoding of the request, or the answer to one that is not gRPC.
fn check(head: &http::request::Parts) -> Result<Encoding, Box<Response>> {
    let refuse = |status_code| {
        let mut response = Response::default();
        *response.status_mut() = status_code;
        Err(Box::new(response))
    };
    if head.method != HttpMethod::POST {
        return refuse(StatusCode::METHOD_NOT_ALLOWED);
    }
    let content_type = text(&head.headers, "content-type");
    let subtype = content_type.strip_prefix("application/grpc");
    if !subtype.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';'])) {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    match text(&head.headers, "grpc-encoding") {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" => Ok(Encoding::Gzip),
        _ => {
            let message = "grpc-encoding is neither gzip nor identity";
            let mut refusal: Response = errors::malformed(Code::Unimplemented, message).into_http();
            let accepted = HeaderValue::from_static("identity,gzip");
            refusal.headers_mut().insert("grpc-accept-encoding", accepted);
            Err(Box::new(refusal))
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
