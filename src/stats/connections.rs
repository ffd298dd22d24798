//! The connections of the gRPC port, and what became of them.

/// What is open, and what happened since the start of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionStats {
    /// Connections that are open.
    pub open_connections: u64,
    /// Streams that are open.
    pub open_streams: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that were closed at once because their peer had as many as it may.
    pub refused: u64,
    /// Connections that were closed, by reason.
    pub closed: [(CloseReason, u64); CloseReason::ALL.len()],
    /// Streams that were refused because there were as many as there may be in all.
    pub shed_streams: u64,
}

/// Why a connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer closed it, or broke the protocol, or did not answer a ping.
    Peer,
    /// The peer did not set it up in time.
    Handshake,
    /// It had no call for too long.
    Idle,
    /// It was too old.
    Age,
    /// Another connection needed its place.
    Room,
    /// The service stops.
    Drain,
    /// The CA of the client's certificate was taken out.
    Certificate,
    /// The peer did not read its answers while others waited for their room.
    Unread,
}

impl CloseReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Peer,
        Self::Handshake,
        Self::Idle,
        Self::Age,
        Self::Room,
        Self::Drain,
        Self::Certificate,
        Self::Unread,
    ];
}
