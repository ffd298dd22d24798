//! The times at which calls are sent, and their latencies.

use std::time::{Duration, Instant};

use crate::pause;

pub(crate) const CONNECTIONS: usize = 4;
/// Calls in flight on each connection, where nothing else is said.
pub(crate) const AT_ONCE: usize = 4;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// With this many calls in flight on each connection.
    AsAnswered(usize),
    /// This many calls a second over all connections, whether answered or not.
    Rate(u32),
}

/// The results of a load.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The time from the sending of each call to its answer.
    pub(super) took: Vec<Duration>,
    /// The longest delay between the due time of a call and its sending.
    pub(super) late: Duration,
}

impl Tally {
    pub(crate) fn add(&mut self, sent: Instant) {
        self.took.push(sent.elapsed());
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.took.extend(other.took);
        self.late = self.late.max(other.late);
    }

    pub(super) fn percentile(&self, per_cent: usize) -> Duration {
        self.took[(self.took.len() - 1) * per_cent / 100]
    }
}

/// The sending times of one of several senders.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    next: Instant,
    every: Duration,
    end: Instant,
    late: Duration,
}

impl Schedule {
    /// The times of sender `number`. All senders together keep `rate` calls a second.
    pub(crate) fn new(rate: u32, window: Duration, senders: u32, number: u32) -> Self {
        let (start, each) = (Instant::now(), Duration::from_secs(1) / rate);
        let (next, every) = (start + each * number, each * senders);
        Self { next, every, end: start + window, late: Duration::ZERO }
    }

    /// Waits until the next call is due. None at the end of the window.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        let due = (self.next < self.end).then_some(self.next)?;
        pause::until(due);
        self.next += self.every;
        let now = Instant::now();
        self.late = self.late.max(now - due);
        Some(now)
    }

    /// The results of these calls.
    pub(crate) fn tally(&self) -> Tally {
        Tally { took: Vec::new(), late: self.late }
    }
}
