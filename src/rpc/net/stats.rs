//! Connections and streams, counted by what became of them.

use std::sync::atomic::{AtomicU64, Ordering};

pub(super) use crate::stats::{CloseReason, ConnectionStats};

/// Counters since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    closed: [AtomicU64; CloseReason::ALL.len()],
    shed_streams: AtomicU64,
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

    pub(super) fn read(&self, open_connections: usize, open_streams: usize) -> ConnectionStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ConnectionStats {
            open_connections: open_connections as u64,
            open_streams: open_streams as u64,
            accepted: read(&self.accepted),
            refused: read(&self.refused),
            closed: CloseReason::ALL.map(|reason| (reason, read(&self.closed[reason as usize]))),
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
        for (number, reason) in CloseReason::ALL.into_iter().enumerate() {
            (0..=number).for_each(|_| counters.count_closed(reason));
        }
        let read = counters.read(0, 0).closed;
        let expected: Vec<_> = CloseReason::ALL.into_iter().zip(1..).collect();
        assert_eq!(read.to_vec(), expected);
    }
}
