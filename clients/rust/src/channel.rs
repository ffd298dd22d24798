//! A channel that takes a connection for each call, sends a token with it, and says why a connection did
//! not last.
//!
//! Knows nothing of the protocol's messages.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};

use crate::connect_error::innermost;
use crate::connections::{Connection, Connections};
use crate::endpoint::Transport;
use crate::handshake_alert;
use crate::token::TokenFile;

/// Connections whose calls carry the token of the client, if it has one. Each call takes the next one.
///
/// The stubs of every protocol can be made from it.
#[derive(Debug, Clone)]
pub struct AuthorizedChannel {
    connections: Arc<Connections>,
    token: Option<Arc<TokenFile>>,
    transport: Transport,
    /// How long a call waits for a connection that can be used.
    patience: Duration,
}

impl AuthorizedChannel {
    pub(crate) fn new(
        connections: Connections,
        token: Option<Arc<TokenFile>>,
        transport: Transport,
        patience: Duration,
    ) -> Self {
        Self { connections: Arc::new(connections), token, transport, patience }
    }

    /// A channel with a connection of its own, to one process. When that is lost, its calls fail.
    pub(crate) async fn pin(&self) -> Result<Self, Status> {
        let Connection { dial, .. } = self.connections.pick(self.patience).await?;
        let one = Connection { channel: dial.connect_once(), dial };
        Ok(Self { connections: Arc::new(Connections::one(one)), ..self.clone() })
    }

    /// Why no connection can be used at this moment, if that is so.
    pub(crate) fn fault(&self) -> Option<Status> {
        self.connections.fault()
    }
}

impl Service<http::Request<Body>> for AuthorizedChannel {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = BoxFuture<Self::Response, Self::Error>;

    /// A call waits for its connection itself, as it takes another one than the call before.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let Self { connections, token, transport, patience } = self.clone();
        Box::pin(async move {
            let Connection { mut channel, .. } = connections.pick(patience).await?;
            if let Some(token) = token {
                request.headers_mut().insert(http::header::AUTHORIZATION, token.header().await);
            }
            let failed = |error| status(error, transport);
            poll_fn(|cx| channel.poll_ready(cx)).await.map_err(failed)?;
            channel.call(request).await.map_err(failed)
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
