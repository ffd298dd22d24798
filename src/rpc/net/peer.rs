//! The peer of a connection, as the service sees it.

use std::net::SocketAddr;

/// Who calls. Each request has it, shared by all of its connection, in its extensions.
#[derive(Debug)]
pub(in crate::rpc) struct Peer {
    /// Where the connection comes from.
    pub(in crate::rpc) address: SocketAddr,
}
