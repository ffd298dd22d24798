//! A connection after its handshake: its socket, and the certificates of its client.

use std::future::pending;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use tokio::sync::watch;

use super::set::CertificateSet;
use super::socket::TlsSocket;

/// A connection whose handshake succeeded.
#[derive(Debug)]
pub struct TlsConnection {
    /// What is read and written from now on.
    pub socket: TlsSocket,
    /// The certificates that its client has proved to own.
    pub client: ClientChain,
}

/// The certificates of a client, verified, and the set that they were verified by.
///
/// A certificate that expires meanwhile stays accepted: `rpc.max_connection_age` bounds that.
#[derive(Debug)]
pub struct ClientChain {
    /// The leaf first. Empty for a client without a certificate.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) in_use: watch::Receiver<Arc<CertificateSet>>,
}

impl ClientChain {
    /// The client's own certificate.
    pub fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.chain.first()
    }

    /// Waits until a new set is in use by which the client would not be let in.
    pub async fn lost(&mut self) {
        while !self.chain.is_empty() && self.in_use.changed().await.is_ok() {
            let set = Arc::clone(&self.in_use.borrow_and_update());
            if !set.accepts(&self.chain) {
                return;
            }
        }
        pending::<()>().await;
    }
}
