//! What is decided and counted about callers: what they may make the service hold, what they may do,
//! and what they cost.

use super::costs::{ConnectionCosts, Costs};
use super::net::Peer;
use super::pool::{BytePool, CloseConnection, ConnectionShare};
use crate::access::{Access, PeerAccess};

/// All callers. Clones share it.
#[derive(Debug, Clone)]
pub struct Callers {
    /// What they may make the service hold.
    pub pool: BytePool,
    /// Who may do what.
    pub access: Access,
    /// What they cost.
    pub costs: Costs,
}

/// The callers of one connection.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) share: ConnectionShare,
    pub(super) access: PeerAccess,
    pub(super) costs: ConnectionCosts,
}

impl Callers {
    pub(super) fn of_connection(&self, peer: &Peer, close: CloseConnection) -> Connection {
        Connection {
            share: self.pool.open_connection(peer.group(), close),
            access: self.access.of_connection(peer.address, peer.certificate.as_deref()),
            costs: self.costs.of_connection(peer.group()),
        }
    }
}
