//! Waits for a moment: a load keeps to its times, and memory takes some to settle.

use std::time::{Duration, Instant};

pub(crate) fn until(due: Instant) {
    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    {
        // It may return early.
        std::thread::park_timeout(left);
    }
}

pub(crate) fn of(time: Duration) {
    until(Instant::now() + time);
}
