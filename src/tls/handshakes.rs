//! Counts handshakes by outcome, and says what is wrong with those that fail.
//!
//! Anybody can make a handshake fail, so each outcome is logged once a minute at most. The counters
//! have all of them.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::outcome::cure;
use super::port::Port;
use crate::stats::HandshakeOutcome;

const COUNT: usize = HandshakeOutcome::ALL.len();
/// The time between two lines about the same outcome.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The handshakes of one port since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    counts: [AtomicU64; COUNT],
    logged: Mutex<[Option<Instant>; COUNT]>,
}

impl Handshakes {
    pub(super) fn count(&self, outcome: HandshakeOutcome) {
        self.counts[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a handshake that failed, and logs it if that is due.
    pub(super) fn observe_failure(
        &self,
        port: Port,
        peer: SocketAddr,
        outcome: HandshakeOutcome,
        error: &io::Error,
    ) {
        self.count(outcome);
        let Some(cure) = cure(outcome) else { return };
        if self.mark_log_due(outcome, Instant::now()) {
            let section = port.section();
            tracing::warn!(section, %peer, ?outcome, %error, "a TLS handshake failed: {cure}");
        }
    }

    pub(super) fn counts(&self) -> [(HandshakeOutcome, u64); COUNT] {
        let count = |outcome| self.counts[outcome as usize].load(Ordering::Relaxed);
        HandshakeOutcome::ALL.map(|outcome| (outcome, count(outcome)))
    }

    /// Whether an outcome has to be logged. It then counts as logged.
    fn mark_log_due(&self, outcome: HandshakeOutcome, now: Instant) -> bool {
        let logged = &mut self.logged.lock()[outcome as usize];
        let is_due = logged.is_none_or(|last| now.duration_since(last) >= LOG_INTERVAL);
        if is_due {
            *logged = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_logged_once_a_minute() {
        let handshakes = Handshakes::default();
        let start = Instant::now();
        let is_due = |outcome, seconds| {
            handshakes.mark_log_due(outcome, start + Duration::from_secs(seconds))
        };
        let outcome = HandshakeOutcome::Plaintext;
        assert_eq!(
            [0, 1, 59, 60, 61].map(|at| is_due(outcome, at)),
            [true, false, false, true, false]
        );
        assert!(is_due(HandshakeOutcome::TooLarge, 1), "another outcome is another matter");
    }

    #[test]
    fn each_outcome_has_a_counter_of_its_own() {
        let handshakes = Handshakes::default();
        for (number, outcome) in HandshakeOutcome::ALL.into_iter().enumerate() {
            (0..=number).for_each(|_| handshakes.count(outcome));
        }
        let expected: Vec<_> = HandshakeOutcome::ALL.into_iter().zip(1..).collect();
        assert_eq!(handshakes.counts().to_vec(), expected);
    }
}
