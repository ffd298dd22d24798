//! Calls to a server from several connections, at a fixed rate or as fast as they are answered,
//! and what they cost it.

mod answers;
mod grpc;
mod lookup_stream;
mod schedule;
mod text;

use std::time::Duration;

use anyhow::ensure;
use millpond_acceptance::cost;

use crate::spread::Spread;
pub(crate) use answers::Answers;
pub(crate) use grpc::Grpc;
pub(crate) use lookup_stream::LookupStream;
pub(crate) use schedule::{AT_ONCE, CONNECTIONS, Pace};
pub(crate) use text::Text;

/// Who is asked, and what.
pub(crate) enum Asked {
    Grpc(Grpc),
    LookupStream(LookupStream),
    Text(Text),
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
            Self::LookupStream(lookups) => lookups.drive(pace, window)?,
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
