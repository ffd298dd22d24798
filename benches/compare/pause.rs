//! Exact waiting, for calls that must be sent on time and for memory that needs time to settle.

use std::time::{Duration, Instant};

pub(crate) fn until(due: Instant) {
    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    {
        // `park_timeout` may return early.
        std::thread::park_timeout(left);
    }
}

pub(crate) fn of(time: Duration) {
    until(Instant::now() + time);
}
