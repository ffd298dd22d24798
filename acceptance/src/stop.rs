//! A signal that stops threads, even while they pause.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A signal to stop. It ends the pauses of the threads that check it.
#[derive(Debug, Default)]
pub struct Stop {
    asked: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    /// Gives the signal.
    pub fn ask(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Waits for the signal for at most this time. Returns whether it was given.
    pub fn within(&self, time: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(asked, time, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Gives the signal when it is dropped, so however its owner ends.
pub struct StopAtEnd<'a>(
    /// The signal.
    pub &'a Stop,
);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.ask();
    }
}
