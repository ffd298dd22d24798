//! The front of all services: reads each request into the pool's bytes, and calls its method.
//!
//! ```text
//! headers -> Caller, Call -> RequestReader -> decode -> method -> FinishedResponse -> ResponseBody
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
use super::methods::{Methods, max_request_bytes};
use super::net::{Answer, Answering, Peer, RequestBody};
use super::pool::{CloseConnection, Purpose};
use super::request::{Encoding, RequestReader};
use super::response::{FinishedResponse, ResponseBody};
use super::served_by_tonic;
use crate::proto::Method;
use crate::stats::ShedCause;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// All services, for the calls of one connection. Clones share them.
#[derive(Clone)]
pub(super) struct Dispatch {
    methods: Arc<Methods>,
    routes: Routes,
    callers: Callers,
    connection: Connection,
    request_timeout: Duration,
}

type Response = http::Response<Body>;

impl Dispatch {
    /// `routes` serves what is not in `methods`. A request has to be complete within
    /// `request_timeout`.
    pub(super) fn new(
        methods: Methods,
        routes: Routes,
        callers: Callers,
        request_timeout: Duration,
    ) -> Self {
        // Nobody calls by this one: each connection has its own.
        let nobody = Peer { address: (Ipv4Addr::UNSPECIFIED, 0).into(), certificate: None };
        let connection = callers.of_connection(&nobody, Box::new(|| ()));
        Self { methods: Arc::new(methods), routes, callers, connection, request_timeout }
    }
}

impl Answer for Dispatch {
    fn for_connection(&self, peer: &Peer, close: CloseConnection) -> Self {
        Self { connection: self.callers.of_connection(peer, close), ..self.clone() }
    }

    fn answer(&self, request: http::Request<RequestBody>) -> Answering {
        let (head, body) = request.into_parts();
        let encoding = match check(&head) {
            Ok(encoding) => encoding,
            Err(refusal) => return Box::pin(async { *refusal }),
        };
        let service = Service::at(head.uri.path());
        let connection = &self.connection;
        let caller = match authorization::admit(&connection.access, service, &head.headers) {
            Ok(caller) => caller,
            Err(denial) => return Box::pin(async move { errors::denied(denial).into_http() }),
        };
        let (share, costs) = (connection.share.clone(), connection.costs.clone());
        let call = Call::new(Deadline::of(&head.headers), share, caller, costs);
        let end = call.deadline().send_end(self.request_timeout);
        let method = service.method();
        let limit_bytes = method.map_or(served_by_tonic::MAX_REQUEST_BYTES, |method| {
            max_request_bytes(method, self.callers.pool.connection_bytes(Purpose::Request))
        });
        let permit = call.share().new_permit(Purpose::Request);
        let reader = RequestReader::new(body, encoding, limit_bytes, end, permit);
        let Some(method) = method else {
            // Parsing text copies it.
            let path = head.uri.path().parse().unwrap_or_default();
            let routes = self.routes.clone();
            return Box::pin(async move {
                let answer = served_by_tonic::answer(routes, path, call, reader).await;
                answer.map_or_else(Status::into_http, |response| response.map(Body::Tonic))
            });
        };
        let methods = Arc::clone(&self.methods);
        Box::pin(async move {
            let answering = pin!(answer_unary(&methods, method, &call, reader));
            let (answer, spent) = measured(answering).await;
            call.add_cost(spent, &answer);
            answer.map_or_else(Status::into_http, |response| response_of(&call, response))
        })
    }
}

/// A method with one request and one answer. One that answers with a stream would return a body of
/// its own here, whose frames it charges as they come out.
async fn answer_unary<B: HttpBody<Data = Bytes> + Unpin>(
    methods: &Methods,
    method: Method,
    call: &Call,
    reader: RequestReader<B>,
) -> Result<FinishedResponse, Status> {
    let request = reader.read_only().await?;
    let share = call.share();
    let holds_bytes = request.permit.held_bytes() > 0;
    let response = tokio::select! {
        biased;
        response = methods.call(method, call, request) => response?,
        () = share.shed(), if holds_bytes => return Err(share.shed_call(ShedCause::MemoryShort)),
    };
    call.caller().take_bytes(response.total_bytes());
    Ok(response)
}

fn response_of(call: &Call, response: FinishedResponse) -> Response {
    let body = ResponseBody::new(response, || call.deadline().send_end(MAX_SEND_TIME));
    let mut response = http::Response::new(Body::Message(body));
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
