//! The CPU time of the calling thread.

use std::fs;
use std::time::{Duration, Instant};

/// Counts from when it was started. Where the system does not report CPU time, it counts time.
pub(super) struct ThreadCpu {
    cpu: Option<Duration>,
    time: Instant,
}

impl ThreadCpu {
    pub(super) fn start() -> Self {
        Self { cpu: used(), time: Instant::now() }
    }

    /// What the thread has used since the start. Exact to some milliseconds.
    pub(super) fn elapsed(&self) -> Duration {
        match (used(), self.cpu) {
            (Some(now), Some(before)) => now.saturating_sub(before),
            _ => self.time.elapsed(),
        }
    }
}

fn used() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}
