//! The TLS of a port: its certificates, their rotation, and the handshake.
//!
//! ```text
//! files -> one consistent set -> in use, until the files change -> handshake -> a socket, a peer
//! ```
//!
//! A set is read as a whole and put in use as a whole. The handshake takes the set that is in use when
//! it begins. A connection learns of the sets that follow, and ends if its client's certificate is
//! accepted no more. Sessions are not resumed: a resumed session is one whose certificate nobody looks
//! at again, and a connection lives long enough to pay for its handshake.
//!
//! It knows neither HTTP nor what a port is for, and reads no names out of a client's certificate.

mod accept;
mod certificate;
mod connection;
mod expiry;
mod fault;
mod files;
mod handshakes;
mod outcome;
mod port;
mod rotation;
mod set;
mod socket;
#[cfg(test)]
mod test_certificates;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

pub use connection::{ClientChain, TlsConnection};
pub use fault::Fault;
pub use port::Port;
pub use rotation::Rotation;
pub use socket::TlsSocket;

use crate::config;
use crate::record::Timestamp;
use crate::stats::TlsStats;
use handshakes::Handshakes;
use set::CertificateSet;

/// The most that a connection takes for TLS: a record that arrives, its content until it is read, a
/// record that is sent, and the client's certificates. Measured.
pub const TLS_CONNECTION_BYTES: u64 = 96 << 10;

/// The TLS of one port. Clones are the same.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    port: Port,
    config: config::Tls,
    /// The set in use. Connections watch it.
    in_use: watch::Sender<Arc<CertificateSet>>,
    failed_reloads: AtomicU64,
    handshakes: Handshakes,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or something is wrong with what is in it.
    pub fn load(port: Port, config: &config::Tls) -> Result<Self, Fault> {
        let files = files::read(port, config)?;
        let set = CertificateSet::new(port, config, &files, 1, Timestamp::now())?;
        Ok(Self(Arc::new(Shared {
            port,
            config: config.clone(),
            in_use: watch::channel(Arc::new(set)).0,
            failed_reloads: AtomicU64::new(0),
            handshakes: Handshakes::default(),
        })))
    }

    /// The certificates in use, and what happened since the start of the process.
    pub fn stats(&self) -> TlsStats {
        let set = Arc::clone(&self.0.in_use.borrow());
        TlsStats {
            generation: set.generation,
            failed_reloads: self.0.failed_reloads.load(Ordering::Relaxed),
            handshakes: self.0.handshakes.counts(),
            certificates: set.certificates.clone(),
        }
    }
}
