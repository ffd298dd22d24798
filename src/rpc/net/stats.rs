//! What happened at the door: connections and streams, counted by what became of them.

use std::sync::atomic::{AtomicU64, Ordering};

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
}

/// All reasons, in the order of their numbers.
pub const CLOSE_REASONS: [CloseReason; 6] = [
    CloseReason::Peer,
    CloseReason::Handshake,
    CloseReason::Idle,
    CloseReason::Age,
    CloseReason::Room,
    CloseReason::Drain,
];

/// Counters since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    closed: [AtomicU64; CLOSE_REASONS.len()],
    shed_streams: AtomicU64,
}

/// What is open, and what happened since the start of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetStats {
    /// Connections that are open.
    pub open_connections: u64,
    /// Streams that are open.
    pub open_streams: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that were closed at once because their peer had as many as it may.
    pub refused: u64,
    /// Connections that were closed, by reason.
    pub closed: [(CloseReason, u64); CLOSE_REASONS.len()],
    /// Streams that were refused because there were as many as there may be in all.
    pub shed_streams: u64,
}

impl Counters {
    pub(super) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_closed(&self, reason: CloseReason) {
        self.closed[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_shed_stream(&self) {
        self.shed_streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, open_connections: usize, open_streams: usize) -> NetStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NetStats {
            open_connections: open_connections as u64,
            open_streams: open_streams as u64,
            accepted: read(&self.accepted),
            refused: read(&self.refused),
            closed: CLOSE_REASONS.map(|reason| (reason, read(&self.closed[reason as usize]))),
            shed_streams: read(&self.shed_streams),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_counter_of_its_own() {
        let counters = Counters::default();
        for (number, reason) in CLOSE_REASONS.into_iter().enumerate() {
            (0..=number).for_each(|_| counters.count_closed(reason));
        }
        let read = counters.read(0, 0).closed;
        let expected: Vec<_> = CLOSE_REASONS.into_iter().zip(1..).collect();
        assert_eq!(read.to_vec(), expected);
    }
}
