//! Logs that a collector does not take what it is sent, once a minute at most, and that it does again.

use std::time::{Duration, Instant};

/// How often a fault that goes on is logged.
const INTERVAL: Duration = Duration::from_secs(60);

/// The faults of sending one kind of thing.
#[derive(Debug)]
pub(super) struct Failures {
    endpoint: String,
    /// What is sent: spans or metrics.
    what: &'static str,
    logged: Option<Instant>,
    is_failing: bool,
}

impl Failures {
    pub(super) fn new(endpoint: &str, what: &'static str) -> Self {
        Self { endpoint: endpoint.to_owned(), what, logged: None, is_failing: false }
    }

    /// Some were lost, so many since the start.
    pub(super) fn log_lost(&mut self, why: &str, lost: u64) {
        self.is_failing = true;
        if self.marks_log_due(Instant::now()) {
            let Self { endpoint, what, .. } = self;
            tracing::warn!(
                endpoint,
                why,
                lost,
                "the collector of otlp.endpoint does not take {what}; they are dropped and counted, and \
                 nothing waits for them"
            );
        }
    }

    /// Some were taken.
    pub(super) fn log_taken(&mut self) {
        if std::mem::take(&mut self.is_failing) {
            let Self { endpoint, what, .. } = self;
            tracing::info!(endpoint, "the collector of otlp.endpoint takes {what} again");
        }
    }

    /// Whether a fault has to be logged now. It then counts as logged.
    fn marks_log_due(&mut self, now: Instant) -> bool {
        let is_due = self.logged.is_none_or(|logged| now.duration_since(logged) >= INTERVAL);
        if is_due {
            self.logged = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_goes_on_is_logged_once_a_minute() {
        let mut failures = Failures::new("http://localhost:4317", "spans");
        let start = Instant::now();
        let due = [0, 1, 59, 60, 61, 120]
            .map(|seconds| failures.marks_log_due(start + Duration::from_secs(seconds)));
        assert_eq!(due, [true, false, false, true, false, true]);
    }
}
