//! When calls are sent, and how long they took.

use std::time::{Duration, Instant};

use crate::pause;

pub(crate) const CONNECTIONS: usize = 4;
/// Calls on their way on each connection, where no rate is kept.
pub(crate) const AT_ONCE: usize = 4;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    AsAnswered,
    /// So many calls a second over all connections, answered or not.
    Rate(u32),
}

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// From when a call was sent to when its answer was there.
    pub(super) took: Vec<Duration>,
    /// How late the latest call was sent that had its time.
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

/// The times at which one of several senders is to send.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    next: Instant,
    every: Duration,
    end: Instant,
    late: Duration,
}

impl Schedule {
    /// Of sender `number` out of so many that keep `rate` calls a second together.
    pub(crate) fn new(rate: u32, window: Duration, senders: u32, number: u32) -> Self {
        let (start, each) = (Instant::now(), Duration::from_secs(1) / rate);
        let (next, every) = (start + each * number, each * senders);
        Self { next, every, end: start + window, late: Duration::ZERO }
    }

    /// Waits until the next call is due; none when the window is over.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        let due = (self.next < self.end).then_some(self.next)?;
        pause::until(due);
        self.next += self.every;
        let now = Instant::now();
        self.late = self.late.max(now - due);
        Some(now)
    }

    /// What these calls came to.
    pub(crate) fn tally(&self) -> Tally {
        Tally { took: Vec::new(), late: self.late }
    }
}
