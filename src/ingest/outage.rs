//! Says that Kafka cannot be reached: once when it begins, then at most once a
//! minute, and once when it is over. One for all threads, so nothing is said twice.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const REMIND_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Outage {
    brokers: String,
    state: Mutex<State>,
}

/// Since when it goes on, if it does, and when it was last spoken of.
#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    said: Option<Instant>,
}

impl Outage {
    pub(super) fn new(brokers: &str) -> Self {
        Self { brokers: brokers.to_owned(), state: Mutex::default() }
    }

    /// Something could not be had from Kafka; `cause` says what and why.
    pub(super) fn goes_on(&self, cause: &str) {
        if let Some(outage) = self.state().goes_on(Instant::now()) {
            let for_seconds = outage.as_secs();
            tracing::warn!(brokers = self.brokers, cause, for_seconds, "waiting for kafka");
        }
    }

    /// Kafka answers.
    pub(super) fn is_over(&self) {
        if let Some(outage) = self.state().is_over(Instant::now()) {
            let after_seconds = outage.as_secs();
            tracing::info!(brokers = self.brokers, after_seconds, "kafka answers again");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long it goes on, if that is to be said now. One that comes and goes is
    /// said no more often than one that stays.
    fn goes_on(&mut self, now: Instant) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        let is_due = self.said.is_none_or(|said| now.duration_since(said) >= REMIND_AFTER);
        is_due.then(|| {
            self.said = Some(now);
            now.duration_since(since)
        })
    }

    /// How long it went on, if it was spoken of since it began.
    fn is_over(&mut self, now: Instant) -> Option<Duration> {
        let since = self.since.take()?;
        self.said.is_some_and(|said| said >= since).then(|| now.duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_outage_is_said_once_and_then_once_a_minute() {
        let (mut state, start) = (State::default(), Instant::now());
        let said = (0..180).filter(|&n| state.goes_on(start + n * SECOND).is_some());
        assert_eq!(said.collect::<Vec<_>>(), [0, 60, 120]);
        assert_eq!(state.is_over(start + 200 * SECOND), Some(200 * SECOND));
        assert_eq!(state.is_over(start + 201 * SECOND), None);
    }

    #[test]
    fn an_outage_that_comes_and_goes_is_said_no_more_often() {
        let (mut state, start) = (State::default(), Instant::now());
        let lines = (0..60).flat_map(|n| {
            let begins = state.goes_on(start + n * SECOND);
            [begins, state.is_over(start + n * SECOND)]
        });
        assert_eq!(lines.flatten().count(), 2);
    }
}
