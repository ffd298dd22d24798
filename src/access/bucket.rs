//! A token bucket: how much of something may be used a second.
//!
//! It holds as much as one second gives. What is used is taken at once, or afterwards where it is
//! known only then: the bucket then goes below zero, and is closed until it is above zero again.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What is left of a rate. It starts full.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    level: Mutex<Level>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// `per_second` is above zero.
    pub(super) fn new(per_second: f64, now: Instant) -> Self {
        Self { per_second, level: Mutex::new(Level { left: per_second, at: now }) }
    }

    /// Fails while less than one is left, with the time until then.
    pub(super) fn check(&self, now: Instant) -> Result<(), Duration> {
        let left = self.refill(&mut self.level.lock(), now);
        // A remainder of the arithmetic is no reason to wait.
        if left + 1e-6 >= 1.0 {
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - left) / self.per_second))
    }

    /// Takes what was used, even if it is more than is left.
    pub(super) fn take(&self, used: f64, now: Instant) {
        let mut level = self.level.lock();
        self.refill(&mut level, now);
        level.left -= used;
    }

    /// Whether it is full, so that a new one would be the same.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        let level = *self.level.lock();
        self.left(level, now) >= self.per_second
    }

    fn refill(&self, level: &mut Level, now: Instant) -> f64 {
        let left = self.left(*level, now);
        *level = Level { left, at: level.at.max(now) };
        left
    }

    fn left(&self, level: Level, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(level.at).as_secs_f64();
        (level.left + passed * self.per_second).min(self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_second_gives_no_more_than_its_rate() {
        let start = Instant::now();
        let bucket = Bucket::new(10.0, start);
        let used = |now| {
            let uses = (0..100).map(|_| bucket.check(now).map(|()| bucket.take(1.0, now)));
            uses.flatten().count()
        };
        assert_eq!(used(start), 10);
        assert_eq!(used(start + SECOND / 2), 5);
        assert_eq!(used(start + 100 * SECOND), 10, "it does not save for ever");
    }

    #[test]
    fn what_was_used_too_much_is_waited_for() {
        let start = Instant::now();
        let bucket = Bucket::new(100.0, start);
        bucket.take(400.0, start);
        let wait = bucket.check(start).unwrap_err();
        assert!(wait >= 3 * SECOND && wait < 4 * SECOND, "{wait:?}");
        bucket.check(start + wait).unwrap();
        assert!(!bucket.is_full(start + wait) && bucket.is_full(start + 5 * SECOND));
    }
}
