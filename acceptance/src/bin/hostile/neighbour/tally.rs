//! Counts of calls, their times, and the first failures.

use std::time::Duration;

/// The most failures that are shown.
const SHOWN_FAILURES: usize = 3;
const SHOWN_CHARS: usize = 200;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) failures: Vec<String>,
    times: Vec<Duration>,
}

impl Tally {
    pub(super) fn add(&mut self, took: Duration, outcome: anyhow::Result<()>) {
        self.done += 1;
        self.times.push(took);
        let Err(error) = outcome else { return };
        self.failed += 1;
        if self.failures.len() < SHOWN_FAILURES {
            self.failures.push(format!("{error:#}").chars().take(SHOWN_CHARS).collect());
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.times.extend(other.times);
        self.failures.extend(other.failures);
    }

    /// The time that 99 of 100 calls did not exceed.
    pub(crate) fn p99(&self) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * 99 / 100).copied().unwrap_or_default()
    }
}
