//! How long the machine was suspended.
//!
//! The time by which processes measure stands still while a machine sleeps. The machine's uptime
//! goes on.

use std::fs;
use std::time::{Duration, Instant};

/// Uptimes are rounded. What is less is no suspension.
const MIN_SUSPENSION: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Suspension {
    /// When the uptime was last read, and the uptime; none where the system does not say.
    last: Option<(Instant, Duration)>,
}

impl Suspension {
    /// Begins now.
    pub(super) fn new() -> Self {
        Self { last: read() }
    }

    /// The time in which the machine was suspended since the last call, in microseconds.
    pub(super) fn take_micros(&mut self) -> i64 {
        let before = std::mem::replace(&mut self.last, read());
        let suspended = before.zip(self.last).map(|(before, now)| suspended(before, now));
        suspended.and_then(|time| i64::try_from(time.as_micros()).ok()).unwrap_or(0)
    }
}

fn suspended(before: (Instant, Duration), now: (Instant, Duration)) -> Duration {
    let awake = now.0.saturating_duration_since(before.0);
    let suspended = now.1.saturating_sub(before.1).saturating_sub(awake);
    if suspended < MIN_SUSPENSION { Duration::ZERO } else { suspended }
}

fn read() -> Option<(Instant, Duration)> {
    let uptime = uptime_in(&fs::read_to_string("/proc/uptime").ok()?)?;
    Some((Instant::now(), uptime))
}

/// The first number is the uptime in seconds.
fn uptime_in(text: &str) -> Option<Duration> {
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_awake_was_not_suspended() {
        let mut suspension = Suspension::new();
        assert_eq!(suspension.take_micros(), 0);
    }

    #[test]
    fn the_uptime_that_passes_beyond_the_measured_time_is_a_suspension() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let of = |awake, uptime| suspended((start, second), (start + awake, second + uptime));
        assert_eq!(of(5 * second, 65 * second), 60 * second);
        assert_eq!(of(5 * second, 5 * second + second / 100), Duration::ZERO, "it is rounded");
        assert_eq!(of(5 * second, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn an_uptime_is_read_from_the_systems_text() {
        assert_eq!(uptime_in("350735.47 234388.90\n"), Some(Duration::from_secs_f64(350_735.47)));
        for text in ["", "x 1", "-1 0", "NaN 1"] {
            assert_eq!(uptime_in(text), None, "{text}");
        }
    }
}
