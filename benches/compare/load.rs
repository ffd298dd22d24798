//! Calls to a server from several connections, at a fixed rate or as fast as they are answered,
//! and what they cost it.

mod grpc;
mod text;

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::pause;
use crate::spread::Spread;
pub(crate) use grpc::Grpc;
use millpond_acceptance::cost;
pub(crate) use text::Text;

pub(crate) const CONNECTIONS: usize = 4;
/// Calls on their way on each connection, where no rate is kept.
pub(crate) const AT_ONCE: usize = 4;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    AsAnswered,
    /// So many calls a second over all connections, answered or not.
    Rate(u32),
}

/// Who is asked, and what.
pub(crate) enum Asked {
    Grpc(Grpc),
    Text(Text),
}

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// From when a call was sent to when its answer was there.
    took: Vec<Duration>,
    /// How late the latest call was sent that had its time.
    late: Duration,
}

/// The figures of a load, or of several, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Micros<T> {
    /// The server's, a call.
    pub(crate) cpu: T,
    pub(crate) p50: T,
    pub(crate) p99: T,
    /// How late the latest call was sent that had its time.
    pub(crate) late: T,
}

impl Asked {
    /// Asks for as long as `window`, while the process `server` answers.
    pub(crate) fn load(
        &self,
        server: u32,
        pace: Pace,
        window: Duration,
    ) -> anyhow::Result<Micros<f64>> {
        let before = cost::cpu(server)?;
        let mut tally = match self {
            Self::Grpc(grpc) => grpc.drive(pace, window)?,
            Self::Text(text) => text.drive(pace, window)?,
        };
        let cpu = cost::cpu(server)?.saturating_sub(before);
        ensure!(!tally.took.is_empty(), "not one call was answered");
        tally.took.sort_unstable();
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let calls = u32::try_from(tally.took.len())?;
        Ok(Micros {
            cpu: micros(cpu) / f64::from(calls),
            p50: micros(tally.percentile(50)),
            p99: micros(tally.percentile(99)),
            late: micros(tally.late),
        })
    }
}

impl Micros<Spread> {
    pub(crate) fn add(&mut self, load: Micros<f64>) {
        let Micros { cpu, p50, p99, late } = load;
        self.cpu.add(cpu);
        self.p50.add(p50);
        self.p99.add(p99);
        self.late.add(late);
    }
}

impl Tally {
    pub(crate) fn add(&mut self, sent: Instant) {
        self.took.push(sent.elapsed());
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.took.extend(other.took);
        self.late = self.late.max(other.late);
    }

    fn percentile(&self, per_cent: usize) -> Duration {
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
