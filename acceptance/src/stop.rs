//! The end of threads that wait.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A signal to stop, which ends the pauses of those that are asked.
#[derive(Debug, Default)]
pub struct Stop {
    asked: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    /// Asks all to stop.
    pub fn ask(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Waits so long at most; whether it was asked to stop by then.
    pub fn within(&self, time: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(asked, time, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Asks when it is dropped: whoever holds it may end in any way.
pub struct StopAtEnd<'a>(
    /// What is asked.
    pub &'a Stop,
);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.ask();
    }
}
