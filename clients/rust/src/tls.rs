//! TLS connections to one service, as a connector for tonic.
//!
//! Owns the handshake, and HTTP/2 by ALPN. The files are read anew for each connection. What they
//! hold is in `tls/files.rs`, what goes wrong in `tls/handshake_fault.rs`.

mod files;
mod handshake_fault;
mod unverified;

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::codegen::http::Uri;
use tonic::codegen::{BoxFuture, Service};

use crate::connect_error::{ConnectError, innermost};
use crate::tls_files::{TlsFiles, Verification};

/// Connects to one service by TLS.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    endpoint: String,
    name: ServerName<'static>,
    files: TlsFiles,
    verification: Verification,
    tcp: HttpConnector,
}

impl Tls {
    /// `name` is what the service's certificate has to be for. The files have to be usable now.
    pub(crate) fn new(
        endpoint: &str,
        name: &str,
        files: TlsFiles,
        verification: Verification,
    ) -> Result<Self, ConnectError> {
        files.read(verification)?;
        let name = ServerName::try_from(name.to_owned()).map_err(|_| {
            ConnectError::Options(format!("{name:?} is no name that a certificate can have"))
        })?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Ok(Self { endpoint: endpoint.to_owned(), name, files, verification, tcp })
    }

    async fn open(mut self, uri: Uri) -> Result<TokioIo<TlsStream<TcpStream>>, ConnectError> {
        let tcp = self.tcp.call(uri).await;
        let tcp = tcp.map_err(|error| ConnectError::Unreachable {
            endpoint: self.endpoint.clone(),
            reason: innermost(&error),
        })?;
        let config = self.config().await?;
        let name = self.name.clone();
        let handshake = TlsConnector::from(config).connect(name, tcp.into_inner()).await;
        let stream = handshake.map_err(|error| self.refused(handshake_fault::reason(&error)))?;
        let has_http2 = stream.get_ref().1.alpn_protocol() == Some(files::HTTP2);
        if has_http2 {
            Ok(TokioIo::new(stream))
        } else {
            Err(self.refused("the port speaks TLS, but not HTTP/2".into()))
        }
    }

    /// Reads the files, beside the threads that must not wait.
    async fn config(&self) -> Result<Arc<ClientConfig>, ConnectError> {
        let (files, verification) = (self.files.clone(), self.verification);
        let read = tokio::task::spawn_blocking(move || files.read(verification)).await;
        // It does not panic, so it was cancelled: the runtime ends.
        read.unwrap_or_else(|error| Err(self.refused(error.to_string())))
    }

    fn refused(&self, reason: String) -> ConnectError {
        ConnectError::Tls { endpoint: self.endpoint.clone(), reason }
    }
}

impl Service<Uri> for Tls {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = ConnectError;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let endpoint = &self.endpoint;
        self.tcp.poll_ready(context).map_err(|error| ConnectError::Unreachable {
            endpoint: endpoint.clone(),
            reason: io::Error::other(error).to_string(),
        })
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().open(uri))
    }
}
