//! What stands for `tls` in a build without it: no option of TLS works, and an error says so.

use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::codegen::http::Uri;
use tonic::codegen::{BoxFuture, Service};

use crate::connect_error::ConnectError;
use crate::tls_files::{TlsFiles, Verification};

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum Tls {}

impl Tls {
    pub(crate) fn new(
        endpoint: &str,
        _: &str,
        _: TlsFiles,
        _: Verification,
    ) -> Result<Self, ConnectError> {
        let reason = "this client is built without TLS: build it with its feature tls";
        Err(ConnectError::Tls { endpoint: endpoint.into(), reason: reason.into() })
    }
}

impl Service<Uri> for Tls {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match *self {}
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        match *self {}
    }
}
