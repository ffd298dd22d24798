//! `POST /api/call/METHOD`: methods of the gRPC port that show keys or values, for the lookup box and
//! the lists of the dashboard.
//!
//! The caller needs the rights that it needs by gRPC. Request and answer are the messages in JSON. A
//! page of somebody else cannot send JSON here: a browser would ask first, and gets no permission.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};

use super::response::{internal, json};
use crate::admin::body;
use crate::admin::connections::Peer;
use crate::admin::method_caller::{MethodCaller, NoAnswer};
use crate::proto::Method;
use crate::rpc::CallError;

/// A key has at most 64 KiB, and escaped in JSON some more.
const MAX_REQUEST_BYTES: usize = 96 << 10;
/// The methods that can be called.
const METHODS: [Method; 4] =
    [Method::Get, Method::DescribeEntry, Method::ListLargestEntries, Method::ListRejections];

/// A route for each method.
pub(super) fn routes(caller: &MethodCaller) -> Router {
    METHODS.iter().fold(Router::new(), |routes, method| {
        let caller = caller.clone();
        let answer =
            async move |Extension(peer): Extension<Peer>, headers: HeaderMap, body: Body| {
                let answer = call(&caller, *method, (&peer, &headers), body).await;
                answer.map_or_else(|refusal| *refusal, json)
            };
        routes.route(&format!("/api/call/{}", method.name()), post(answer))
    })
}

async fn call(
    caller: &MethodCaller,
    method: Method,
    (peer, headers): (&Peer, &HeaderMap),
    body: Body,
) -> Result<Bytes, Box<Response>> {
    if headers.get(CONTENT_TYPE).is_none_or(|found| found != "application/json") {
        let text = "send the request as application/json\n";
        return Err(Box::new((StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response()));
    }
    let body = body::read(body, MAX_REQUEST_BYTES).await;
    let body = body.map_err(|refused| Box::new(refused.into_response()))?;
    let name = method.name();
    let request = caller.messages().from_json(&format!("{name}Request"), &body);
    let request = request.map_err(|why| {
        let text = format!("the body is no {name}Request in JSON: {why}\n");
        Box::new((StatusCode::BAD_REQUEST, text).into_response())
    })?;
    let answer = caller.call(method, (peer, headers), request.into()).await;
    answer.map_err(|why| {
        Box::new(match why {
            NoAnswer::Error(error) => refusal(&error),
            NoAnswer::Busy(busy) => busy.into_response(),
            NoAnswer::Internal(why) => internal(why),
        })
    })
}

fn refusal(error: &CallError) -> Response {
    let status = StatusCode::from_u16(error.http_status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, format!("{}\n", error.message)).into_response()
}
