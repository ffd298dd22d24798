//! What stands for `tls` in a build without it: no option of TLS works, and an error says so.

use tonic::transport::{Channel, Endpoint, Error};

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

    #[expect(clippy::unused_async, reason = "as the one with TLS")]
    pub(crate) async fn connect(self, _: &Endpoint) -> Result<Channel, Error> {
        match self {}
    }

    pub(crate) fn connect_lazy(self, _: &Endpoint) -> Channel {
        match self {}
    }
}
