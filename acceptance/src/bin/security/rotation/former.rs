//! A caller whose authority is going to be removed: it has a session that it could resume, and an open
//! stream.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use millpond_client::health::health_client::HealthClient;
use millpond_client::health::{HealthCheckRequest, HealthCheckResponse};
use millpond_client::v1::GetRequest;
use millpond_client::v1::lookup_service_client::LookupServiceClient;
use rustls::{HandshakeKind, SupportedProtocolVersion};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tonic::Streaming;

use crate::connection::{Identity, channel, identity, shake_hands};
use crate::scene::{TABLE, key};
use millpond_acceptance::authority::Credential;

/// How long its stream may still be open once others of its authority are refused.
const PATIENCE: Duration = Duration::from_secs(30);
/// The service's session tickets come after the handshake.
const TICKETS: Duration = Duration::from_millis(300);

pub(super) struct FormerCaller {
    version: &'static SupportedProtocolVersion,
    identity: Identity,
    stream: Streaming<HealthCheckResponse>,
    /// Whether the service resumed a session of it before.
    pub(super) was_resumed: bool,
}

impl FormerCaller {
    pub(super) async fn connect(
        address: SocketAddr,
        trusted: &str,
        credential: &Credential,
        version: &'static SupportedProtocolVersion,
    ) -> Result<Self> {
        let identity = identity(trusted, Some(credential), &[version])?;
        ensure!(is_served(address, &identity).await, "{:?}: not served at first", version.version);
        keep_session(address, &identity).await?;
        let again = keep_session(address, &identity).await?;
        let was_resumed = again == Some(HandshakeKind::Resumed);
        let channel = channel(address, {
            let identity = identity.clone();
            move || identity.clone()
        })?;
        let watch = HealthCheckRequest { service: "millpond.live".into() };
        let mut stream = HealthClient::new(channel).watch(watch).await?.into_inner();
        ensure!(stream.message().await?.is_some(), "the stream says nothing");
        Ok(Self { version, identity, stream, was_resumed })
    }

    /// A line for each promise that was broken, after its authority was removed.
    pub(super) async fn failures(mut self, address: SocketAddr) -> Vec<String> {
        let version = self.version.version;
        let mut failures = Vec::new();
        if timeout(PATIENCE, end_of(&mut self.stream)).await.is_err() {
            failures.push(format!("{version:?}: a stream of the removed authority is still open"));
        }
        if is_served(address, &self.identity).await {
            failures.push(format!("{version:?}: a caller of the removed authority is served"));
        }
        failures
    }
}

async fn end_of(stream: &mut Streaming<HealthCheckResponse>) {
    while let Ok(Some(_)) = stream.message().await {}
}

/// Whether a lookup over a new connection succeeds. Only an answer tells: by TLS 1.3 the client
/// finishes its handshake before the service has looked at its certificate.
pub(super) async fn is_served(address: SocketAddr, identity: &Identity) -> bool {
    let identity = identity.clone();
    let Ok(channel) = channel(address, move || identity.clone()) else { return false };
    let request = GetRequest { table: TABLE.into(), key: key(1), ..GetRequest::default() };
    LookupServiceClient::new(channel).get(request).await.is_ok()
}

/// Makes a handshake, and keeps what the service gives to resume it. Returns whether it was resumed
/// itself.
async fn keep_session(address: SocketAddr, identity: &Identity) -> Result<Option<HandshakeKind>> {
    let mut stream = shake_hands(address, identity).await?;
    // Whatever the service sends first: its settings, after its tickets.
    let _ = timeout(TICKETS, stream.read(&mut [0; 1024])).await;
    Ok(stream.get_ref().1.handshake_kind())
}
