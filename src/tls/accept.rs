//! The handshake of one connection. Counts its outcome, whatever becomes of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Tls;
use super::connection::{ClientChain, TlsConnection};
use super::outcome::outcome;
use super::socket::{self, TlsSocket, TooLarge, Wire};
use crate::stats::HandshakeOutcome;

/// What the certificates of a client may take: they are kept for as long as its connection.
const MAX_CHAIN_BYTES: usize = 12 << 10;

/// A handshake that nobody has seen the end of.
struct Begun<'a> {
    tls: &'a Tls,
    peer: SocketAddr,
    is_over: bool,
}

impl Tls {
    /// Does the handshake with a peer. None if it fails: that is counted and logged. Whoever drops this
    /// before its end has waited for long enough.
    pub async fn accept(&self, socket: TcpStream, peer: SocketAddr) -> Option<TlsConnection> {
        let mut begun = Begun { tls: self, peer, is_over: false };
        let result = self.handshake(socket).await;
        begun.is_over = true;
        let handshakes = &self.0.handshakes;
        match &result {
            Ok(_) => handshakes.count(HandshakeOutcome::Succeeded),
            Err(error) => {
                handshakes.observe_failure(self.0.port, peer, outcome(error), error);
            }
        }
        result.ok()
    }

    async fn handshake(&self, socket: TcpStream) -> io::Result<TlsConnection> {
        // It sees every set from this one on.
        let mut in_use = self.0.in_use.subscribe();
        let server = Arc::clone(&in_use.borrow_and_update().server);
        let accepting = TlsAcceptor::from(server).accept_with(Wire::new(socket), socket::bound);
        let stream = accepting.await?;
        let chain = client_chain(&stream)?;
        Ok(TlsConnection { socket: TlsSocket::new(stream), client: ClientChain { chain, in_use } })
    }
}

fn client_chain(stream: &TlsStream<Wire>) -> io::Result<Vec<CertificateDer<'static>>> {
    let (_, connection) = stream.get_ref();
    let chain = connection.peer_certificates().unwrap_or_default();
    if chain.iter().map(|certificate| certificate.len()).sum::<usize>() > MAX_CHAIN_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, TooLarge));
    }
    Ok(chain.to_vec())
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let (outcome, error) = (HandshakeOutcome::Unfinished, io::ErrorKind::TimedOut.into());
            let (shared, error): (_, io::Error) = (&self.tls.0, error);
            shared.handshakes.observe_failure(shared.port, self.peer, outcome, &error);
        }
    }
}
