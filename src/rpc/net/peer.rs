//! Who is at the other end of a connection, as far as the transport can prove it.
//!
//! What the certificate says, and what its owner may do, is not known here.

use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;

/// The other end of one connection.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct Peer {
    /// Its address.
    pub(in crate::rpc) address: SocketAddr,
    /// Its own certificate, verified by the CA for clients. None without TLS, and where the peer
    /// sent none.
    pub(in crate::rpc) certificate: Option<CertificateDer<'static>>,
}
