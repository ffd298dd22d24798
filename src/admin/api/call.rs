//! `POST /api/call/METHOD`: methods of the gRPC port that show keys or values, for the lookup box and
//! the lists of the dashboard.
//!
//! The caller needs the rights that it needs by gRPC. Request and answer are the messages in JSON. A
//! page of somebody else cannot send JSON here: a browser would ask first, and gets no permission.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};

use super::response::{internal, json};
use crate::admin::answers::Answers;
use crate::admin::body;
use crate::admin::connections::Peer;
use crate::admin::messages::JsonMessages;
use crate::proto::Method;
use crate::rpc::{CallError, Gateway, Origin};

/// A key has at most 64 KiB, and escaped in JSON some more.
const MAX_REQUEST_BYTES: usize = 96 << 10;
/// The methods that can be called.
const METHODS: [Method; 4] =
    [Method::Get, Method::DescribeEntry, Method::ListLargestEntries, Method::ListRejections];

struct Caller {
    gateway: Gateway,
    messages: JsonMessages,
    answers: Answers,
}

/// A route for each method.
pub(super) fn routes(gateway: Gateway, messages: &JsonMessages, answers: &Answers) -> Router {
    let (messages, answers) = (messages.clone(), answers.clone());
    let caller = Arc::new(Caller { gateway, messages, answers });
    METHODS.iter().fold(Router::new(), |routes, method| {
        let caller = Arc::clone(&caller);
        let answer =
            async move |Extension(peer): Extension<Peer>, headers: HeaderMap, body: Body| {
                let answer = caller.call(*method, &peer, &headers, body).await;
                answer.map_or_else(|refusal| *refusal, json)
            };
        routes.route(&format!("/api/call/{}", method.name()), post(answer))
    })
}

impl Caller {
    async fn call(
        &self,
        method: Method,
        peer: &Peer,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Bytes, Box<Response>> {
        if headers.get(CONTENT_TYPE).is_none_or(|found| found != "application/json") {
            let text = "send the request as application/json\n";
            return Err(Box::new((StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response()));
        }
        let body = body::read(body, MAX_REQUEST_BYTES).await;
        let body = body.map_err(|refused| Box::new(refused.into_response()))?;
        let name = method.name();
        let request = self.messages.from_json(&format!("{name}Request"), &body);
        let request = request.map_err(|why| {
            let text = format!("the body is no {name}Request in JSON: {why}\n");
            Box::new((StatusCode::BAD_REQUEST, text).into_response())
        })?;
        let authorization: Vec<_> =
            headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
        let origin = Origin {
            address: peer.address,
            certificate: peer.certificate.as_deref(),
            authorization: &authorization,
        };
        let answer = self.gateway.call(method, origin, request.into()).await;
        let answer = answer.map_err(|error| Box::new(refusal(&error)))?;
        let json = self.messages.to_json(&format!("{name}Response"), &answer);
        let json = json.map_err(|why| Box::new(internal(why)))?;
        self.answers.hold(json).map_err(|busy| Box::new(busy.into_response()))
    }
}

fn refusal(error: &CallError) -> Response {
    let status = StatusCode::from_u16(error.http_status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, format!("{}\n", error.message)).into_response()
}
