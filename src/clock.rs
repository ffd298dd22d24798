//! The clock that lives are counted with: it follows the system's clock, slowly.
//!
//! It starts with the system's time and then goes on by itself. So a step of the system's clock,
//! forward or back, ends no life early and begins none anew. The clock runs faster or slower by a
//! twentieth at most until it shows the system's time again (`correction`), and it never goes
//! back. The time in which the machine is suspended counts as passed (`suspension`). Somebody has
//! to let it follow again and again: [`Clock::follow`].
//!
//! It knows no entries. Times that only say when something happened, such as the start of the
//! process, may be the system's.

mod correction;
mod suspension;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

pub use correction::{ClockStats, Step};

use crate::record::Timestamp;
use correction::{Correction, Reading, SLEW_PART};
use suspension::Suspension;

/// Both clocks are read one after the other. Readings that took longer prove nothing.
const MAX_READING_TIME: Duration = Duration::from_millis(10);

/// A clock; its clones are the same clock. It costs as much to read as the system's.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    /// What the time since the start is added to, in microseconds since the Unix epoch.
    base_micros: AtomicI64,
    /// How far it is behind the system's clock, in microseconds; negative if it is ahead.
    behind_micros: AtomicI64,
    /// The newest time that anybody was given.
    newest_millis: AtomicI64,
    follower: Mutex<Follower>,
}

#[derive(Debug)]
struct Follower {
    correction: Correction,
    suspension: Suspension,
}

impl Clock {
    /// A clock that starts with the system's time.
    pub fn start() -> Self {
        Self::start_at(unix_micros(SystemTime::now()))
    }

    fn start_at(system_micros: i64) -> Self {
        let correction = Correction::new(system_micros);
        Self(Arc::new(Inner {
            start: Instant::now(),
            base_micros: AtomicI64::new(system_micros),
            behind_micros: AtomicI64::new(0),
            newest_millis: AtomicI64::new(i64::MIN),
            follower: Mutex::new(Follower { correction, suspension: Suspension::new() }),
        }))
    }

    /// The time; never earlier than any that was given before.
    pub fn now(&self) -> Timestamp {
        self.time_after(self.0.start.elapsed())
    }

    fn time_after(&self, elapsed: Duration) -> Timestamp {
        let base_micros = self.0.base_micros.load(Ordering::Relaxed);
        let millis = base_micros.saturating_add(micros(elapsed)).div_euclid(1_000);
        let newest = self.0.newest_millis.load(Ordering::Relaxed);
        // It is written once a millisecond, and not at every call.
        let newest = if millis > newest {
            self.0.newest_millis.fetch_max(millis, Ordering::Relaxed).max(millis)
        } else {
            newest
        };
        Timestamp::from_millis(newest)
    }

    /// What the clocks of other machines show when this one shows `now`. They are taken to show the
    /// system's time.
    pub fn elsewhere(&self, now: Timestamp) -> Timestamp {
        let behind_millis = self.0.behind_micros.load(Ordering::Relaxed) / 1_000;
        Timestamp::from_millis(now.as_millis().saturating_add(behind_millis))
    }

    /// The most that can pass until this clock shows `time`, by a timer that does not follow the
    /// system's clock: this clock may run slow all the while.
    pub fn longest_until(&self, time: Timestamp) -> Duration {
        at_slowest(self.now().until(time))
    }

    /// Follows the system's clock by what has passed since the last call. Returns the step, if the
    /// system's clock was set since then. To be called several times a second.
    pub fn follow(&self) -> Option<Step> {
        let before = self.0.start.elapsed();
        let system_micros = unix_micros(SystemTime::now());
        if self.0.start.elapsed().saturating_sub(before) > MAX_READING_TIME {
            return None;
        }
        self.observe(Reading { elapsed_micros: micros(before), system_micros })
    }

    fn observe(&self, reading: Reading) -> Option<Step> {
        let Follower { correction, suspension } = &mut *self.0.follower.lock();
        let step = correction.observe(reading, || suspension.take_micros());
        self.0.base_micros.store(correction.base_micros(), Ordering::Relaxed);
        self.0.behind_micros.store(correction.behind_micros(), Ordering::Relaxed);
        step
    }

    /// How often the system's clock was set, and how far it is away.
    pub fn stats(&self) -> ClockStats {
        self.0.follower.lock().correction.stats()
    }
}

/// How long a clock takes for a time at most.
fn at_slowest(time: Duration) -> Duration {
    time.saturating_add(time / (SLEW_PART - 1))
}

fn unix_micros(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn observe(clock: &Clock, elapsed_micros: i64, system_micros: i64) -> Option<Step> {
        clock.observe(Reading { elapsed_micros, system_micros })
    }

    fn millis_after(clock: &Clock, elapsed: Duration) -> i64 {
        clock.time_after(elapsed).as_millis()
    }

    #[test]
    fn a_clock_starts_with_the_systems_time() {
        let before = Timestamp::now();
        let now = Clock::start().now();
        assert!((before..=Timestamp::now()).contains(&now));
    }

    #[test]
    fn time_passes_by_itself() {
        let clock = Clock::start_at(5 * SECOND);
        assert_eq!(millis_after(&clock, Duration::ZERO), 5_000);
        assert_eq!(millis_after(&clock, Duration::from_micros(1_999)), 5_001);
    }

    #[test]
    fn a_clock_that_runs_slow_never_goes_back() {
        let clock = Clock::start_at(0);
        let mut last = i64::MIN;
        for turn in 1..1_000_i64 {
            // The system's clock was set back by an hour.
            observe(&clock, turn * 25_000, turn * 25_000 - 3_600 * SECOND);
            for micros in [0, 10, 24_999] {
                let passed = u64::try_from(turn * 25_000 + micros).unwrap();
                let now = millis_after(&clock, Duration::from_micros(passed));
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        }
        assert!(last < 24_000, "25 s have passed, and it shows {last} ms");
    }

    #[test]
    fn what_is_new_by_the_systems_clock_is_not_old_for_a_clock_that_is_ahead() {
        let clock = Clock::start_at(7_200 * SECOND);
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let now = at(7_202);
        let time_of = |seconds| at(seconds).plus(clock.elsewhere(now).until(now)).min(now);
        assert_eq!(time_of(3_601), at(3_601));
        // The system's clock, which was an hour ahead, is set right.
        observe(&clock, 2 * SECOND, 3_602 * SECOND);
        let seconds = |time: Timestamp| time.as_millis() / 1_000;
        assert_eq!(seconds(time_of(3_601)), 7_200);
        assert_eq!(time_of(3_700), at(7_202), "the future counts as now");
        assert_eq!(seconds(time_of(0)), 3_599);
        observe(&clock, 3 * SECOND, 20_000 * SECOND);
        assert_eq!(time_of(3_601), at(3_601), "a clock that is behind makes nothing older");
        assert!(clock.elsewhere(now) > at(19_000), "and says how late it is elsewhere");
    }

    #[test]
    fn a_clone_is_the_same_clock() {
        let clock = Clock::start_at(0);
        let other = clock.clone();
        observe(&clock, 20 * SECOND, 100 * SECOND);
        assert_eq!(millis_after(&other, Duration::from_secs(20)), 21_000);
        assert_eq!(other.stats(), clock.stats());
    }

    #[test]
    fn a_timer_that_waits_the_longest_time_is_not_early_and_not_very_late() {
        let clock = Clock::start_at(0);
        let (hour, longest) = (3_600_000, at_slowest(Duration::from_secs(3_600)));
        assert!(longest < Duration::from_secs(3_800));
        for elapsed_micros in (0..=micros(longest)).step_by(10_000) {
            observe(&clock, elapsed_micros, elapsed_micros - 36_000 * SECOND);
        }
        assert_eq!(millis_after(&clock, longest), hour);
    }
}
