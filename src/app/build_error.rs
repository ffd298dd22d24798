//! Why a service could not be built, in words for whoever starts it.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use crate::memory::BudgetError;
use crate::tls;

/// Why a service could not be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The port is taken, or the process may not listen on it.
    #[error("{key}: cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The configuration key of the address.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// A certificate file of a port is of no use.
    #[error(transparent)]
    Tls(#[from] tls::Fault),
    /// The configuration asks for more memory than there is.
    #[error(transparent)]
    Memory(#[from] BudgetError),
    /// A file of tokens or keys is bad.
    #[error("{0}")]
    Access(String),
    /// The collector's endpoint is of no use.
    #[error("otlp.endpoint: {0}")]
    Otlp(String),
    /// librdkafka refuses the configuration.
    #[error("librdkafka refuses the configuration: {0}; see kafka.properties")]
    Kafka(String),
    /// The system gives no thread or no socket, or the allocator no account.
    #[error("cannot start: {}{}", .0, cure(.0))]
    System(#[from] io::Error),
}

/// The system says that it gives no thread as if that were a fault of the moment.
fn cure(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::WouldBlock {
        "; the system gives no more threads: raise the container's limit of pids, or ulimit -u"
    } else {
        ""
    }
}
