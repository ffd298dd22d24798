//! A channel that sends a token with each call, and says why a connection did not last.
//!
//! Knows nothing of the protocol's messages.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::transport::Channel;

use crate::connect_error::innermost;
use crate::endpoint::Transport;
use crate::handshake_alert;
use crate::token::TokenFile;

/// A connection whose calls carry the token of the client, if it has one.
///
/// The stubs of every protocol can be made from it.
#[derive(Debug, Clone)]
pub struct AuthorizedChannel {
    channel: Channel,
    token: Option<Arc<TokenFile>>,
    transport: Transport,
}

impl AuthorizedChannel {
    pub(crate) fn new(channel: Channel, token: Option<TokenFile>, transport: Transport) -> Self {
        Self { channel, token: token.map(Arc::new), transport }
    }
}

impl Service<http::Request<Body>> for AuthorizedChannel {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let transport = self.transport;
        self.channel.poll_ready(context).map_err(|error| status(error, transport))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let (token, transport) = (self.token.clone(), self.transport);
        // The channel that is ready makes the call. Its clone has to get ready first.
        let clone = self.channel.clone();
        let mut channel = mem::replace(&mut self.channel, clone);
        Box::pin(async move {
            if let Some(token) = token {
                request.headers_mut().insert(http::header::AUTHORIZATION, token.header().await);
            }
            channel.call(request).await.map_err(|error| status(error, transport))
        })
    }
}

/// The status of a call that got no answer. A service refuses a client's certificate only after the
/// client counts as connected, so that is found out here.
fn status(error: tonic::transport::Error, transport: Transport) -> Status {
    let innermost = innermost(&error);
    match handshake_alert::reason(&innermost) {
        Some(reason) => Status::unavailable(reason),
        None if transport == Transport::Plaintext && is_perhaps_tls(&innermost) => {
            Status::unavailable(format!(
                "the connection was closed without an answer ({innermost}): if the port speaks \
                 TLS, write https:// instead of http://"
            ))
        }
        None => Status::from_error(error.into()),
    }
}

/// A TLS port answers our first bytes with an alert, which is no frame of HTTP/2, and closes.
fn is_perhaps_tls(reason: &str) -> bool {
    ["frame with invalid size", "closed because of a broken pipe", "Connection reset by peer"]
        .iter()
        .any(|part| reason.contains(part))
}
