//! A collection of measured times, and its percentiles.

use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn line(&self) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        let at = |per_cent: usize| {
            let took = sorted.get(last * per_cent / 100).copied().unwrap_or_default();
            took.as_secs_f64() * 1e3
        };
        let [p50, p90, p99, most] = [50, 90, 99, 100].map(at);
        format!("p50 {p50:.2}, p90 {p90:.2}, p99 {p99:.2}, max {most:.2} ms")
    }
}
