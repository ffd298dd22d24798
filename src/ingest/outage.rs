//! Whether Kafka answers, for all threads together.
//!
//! An outage is logged when it begins, at most once a minute while it lasts, and when it ends. This
//! file only logs: nothing is decided by it.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How often an outage is logged.
const LOG_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Outage {
    brokers: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the outage began; none while Kafka answers.
    since: Option<Instant>,
    /// When an outage was logged last.
    logged: Option<Instant>,
}

impl Outage {
    pub(super) fn new(brokers: &str) -> Self {
        Self { brokers: brokers.to_owned(), state: Mutex::default() }
    }

    /// Notes that Kafka does not answer. `cause` says to what, and why.
    pub(super) fn observe(&self, cause: &str) {
        if let Some(outage) = self.state.lock().observe(Instant::now()) {
            let for_seconds = outage.as_secs();
            tracing::warn!(brokers = self.brokers, cause, for_seconds, "waiting for kafka");
        }
    }

    /// Notes that Kafka answers.
    pub(super) fn end(&self) {
        if let Some(outage) = self.state.lock().end(Instant::now()) {
            let after_seconds = outage.as_secs();
            tracing::info!(brokers = self.brokers, after_seconds, "kafka answers again");
        }
    }
}

impl State {
    /// How long the outage has lasted, if that is to be logged now. An outage that comes and goes
    /// is logged no more often than one that lasts.
    fn observe(&mut self, now: Instant) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        let is_due = self.logged.is_none_or(|logged| now.duration_since(logged) >= LOG_AFTER);
        is_due.then(|| {
            self.logged = Some(now);
            now.duration_since(since)
        })
    }

    /// How long the outage lasted, if it was logged since it began.
    fn end(&mut self, now: Instant) -> Option<Duration> {
        let since = self.since.take()?;
        self.logged.is_some_and(|logged| logged >= since).then(|| now.duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_outage_is_said_once_and_then_once_a_minute() {
        let (mut state, start) = (State::default(), Instant::now());
        let logged = (0..180).filter(|&n| state.observe(start + n * SECOND).is_some());
        assert_eq!(logged.collect::<Vec<_>>(), [0, 60, 120]);
        assert_eq!(state.end(start + 200 * SECOND), Some(200 * SECOND));
        assert_eq!(state.end(start + 201 * SECOND), None);
    }

    #[test]
    fn an_outage_that_comes_and_goes_is_said_no_more_often() {
        let (mut state, start) = (State::default(), Instant::now());
        let lines = (0..60).flat_map(|n| {
            let begins = state.observe(start + n * SECOND);
            [begins, state.end(start + n * SECOND)]
        });
        assert_eq!(lines.flatten().count(), 2);
    }
}
