//! Calls methods of the gRPC port for whoever sent a request to the admin port, with the rights that it
//! has by gRPC. How a request says what it wants is not known here.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderValue};

use super::answers::{Answers, Busy};
use super::connections::Peer;
use super::messages::JsonMessages;
use crate::proto::Method;
use crate::rpc::{CallError, Gateway, Origin};

/// Calls methods. Clones share its parts.
#[derive(Clone)]
pub(super) struct MethodCaller(Arc<Parts>);

struct Parts {
    gateway: Gateway,
    messages: JsonMessages,
    answers: Answers,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// As by gRPC.
    Error(CallError),
    /// Other answers take all the memory for them.
    Busy(Busy),
    /// The answer is no message. That cannot be.
    Internal(String),
}

impl MethodCaller {
    pub(super) fn new(gateway: Gateway, messages: JsonMessages, answers: Answers) -> Self {
        Self(Arc::new(Parts { gateway, messages, answers }))
    }

    pub(super) fn messages(&self) -> &JsonMessages {
        &self.0.messages
    }

    /// Calls a method with an encoded request. Returns the answer in JSON.
    pub(super) async fn call(
        &self,
        method: Method,
        (peer, headers): (&Peer, &HeaderMap),
        request: Bytes,
    ) -> Result<Bytes, NoAnswer> {
        let Parts { gateway, messages, answers } = &*self.0;
        let authorization: Vec<_> =
            headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
        let origin = Origin {
            address: peer.address,
            certificate: peer.certificate.as_deref(),
            authorization: &authorization,
        };
        let answer = gateway.call(method, origin, request).await.map_err(NoAnswer::Error)?;
        let json = messages.to_json(&format!("{}Response", method.name()), &answer);
        answers.hold(json.map_err(NoAnswer::Internal)?).map_err(NoAnswer::Busy)
    }
}
