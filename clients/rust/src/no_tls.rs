//! What stands for `tls` in a build without it: no option of TLS works, and an error says so.

use std::path::PathBuf;

use tonic::transport::{Channel, Endpoint, Error};

use crate::connect_error::ConnectError;

/// What is verified of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    Full,
    None,
}

/// The files of a client's TLS, which are not read.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsFiles {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    pub(crate) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.certificate.is_none()
    }
}

/// There is none.
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

    #[expect(clippy::unused_async, reason = "as the one with TLS")]
    pub(crate) async fn connect(self, _: &Endpoint) -> Result<Channel, Error> {
        match self {}
    }

    pub(crate) fn connect_lazy(self, _: &Endpoint) -> Channel {
        match self {}
    }
}
