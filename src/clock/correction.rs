//! What a clock adds to the time that has passed, so that it follows the system's clock.
//!
//! Two readings tell whether the system's clock was set between them: it has then moved by
//! another time than has passed. Pure: both clocks' readings come in as numbers.

/// The clock runs faster or slower by this part at most.
pub(super) const SLEW_PART: u32 = 20;

/// From this difference on, that comes at once, the system's clock was set.
const MIN_STEP_MICROS: i64 = 1_000_000;

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// The time since the start, in microseconds.
    pub(super) elapsed_micros: i64,
    /// The system's time, in microseconds since the Unix epoch.
    pub(super) system_micros: i64,
}

/// The system's clock was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How far, in milliseconds; negative if it was set back.
    pub by_millis: i64,
    /// How long it takes until the clock shows the system's time again, in milliseconds.
    pub followed_in_millis: i64,
}

/// How often the system's clock was set, and how far it is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockStats {
    /// How often it was set, by a second or more.
    pub step_count: u64,
    /// How far it was set the last time, in milliseconds; negative if it was set back.
    pub last_step_millis: i64,
    /// How far the clock is behind the system's, in milliseconds; negative if it is ahead.
    pub behind_millis: i64,
}

#[derive(Debug)]
pub(super) struct Correction {
    base_micros: i64,
    behind_micros: i64,
    last: Reading,
    step_count: u64,
    last_step_micros: i64,
}

impl Correction {
    /// For a clock that starts now, with the system's time.
    pub(super) fn new(system_micros: i64) -> Self {
        Self {
            base_micros: system_micros,
            behind_micros: 0,
            last: Reading { elapsed_micros: 0, system_micros },
            step_count: 0,
            last_step_micros: 0,
        }
    }

    /// What the time since the start is added to.
    pub(super) fn base_micros(&self) -> i64 {
        self.base_micros
    }

    /// How far the clock is behind the system's; negative if it is ahead.
    pub(super) fn behind_micros(&self) -> i64 {
        self.behind_micros
    }

    /// Corrects by no more than the part of the time that has passed since the last reading.
    /// `take_suspended` gives the time in which the machine was suspended, and is asked for it only
    /// where the two clocks have moved apart.
    pub(super) fn observe(
        &mut self,
        reading: Reading,
        take_suspended: impl FnOnce() -> i64,
    ) -> Option<Step> {
        let passed = reading.elapsed_micros.saturating_sub(self.last.elapsed_micros).max(0);
        let moved = reading.system_micros.saturating_sub(self.last.system_micros);
        self.last = reading;
        let mut apart = moved.saturating_sub(passed);
        if is_step(apart) {
            let suspended = take_suspended();
            self.base_micros = self.base_micros.saturating_add(suspended);
            apart = apart.saturating_sub(suspended);
        }
        let most = passed / i64::from(SLEW_PART);
        let shown = self.base_micros.saturating_add(reading.elapsed_micros);
        let behind = reading.system_micros.saturating_sub(shown);
        let correction = behind.clamp(-most, most);
        self.base_micros = self.base_micros.saturating_add(correction);
        self.behind_micros = behind.saturating_sub(correction);
        is_step(apart).then(|| self.count_step(apart))
    }

    fn count_step(&mut self, by_micros: i64) -> Step {
        self.step_count += 1;
        self.last_step_micros = by_micros;
        let followed_in = self.behind_micros.saturating_abs().saturating_mul(SLEW_PART.into());
        Step { by_millis: by_micros / 1_000, followed_in_millis: followed_in / 1_000 }
    }

    pub(super) fn stats(&self) -> ClockStats {
        ClockStats {
            step_count: self.step_count,
            last_step_millis: self.last_step_micros / 1_000,
            behind_millis: self.behind_micros / 1_000,
        }
    }
}

fn is_step(apart_micros: i64) -> bool {
    apart_micros.saturating_abs() >= MIN_STEP_MICROS
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const HOUR: i64 = 3_600 * SECOND;
    const TURN: i64 = SECOND / 10;

    /// A machine whose system clock can be set, and a correction that looks at it.
    struct Machine {
        correction: Correction,
        elapsed: i64,
        system: i64,
        steps: Vec<Step>,
    }

    impl Machine {
        fn start() -> Self {
            let system = 1_700_000_000 * SECOND;
            Self { correction: Correction::new(system), elapsed: 0, system, steps: Vec::new() }
        }

        fn run(&mut self, micros: i64) {
            for _ in 0..micros / TURN {
                self.elapsed += TURN;
                self.system += TURN;
                self.look(0);
            }
        }

        fn look(&mut self, suspended: i64) {
            let reading = Reading { elapsed_micros: self.elapsed, system_micros: self.system };
            self.steps.extend(self.correction.observe(reading, || suspended));
        }

        fn shown(&self) -> i64 {
            self.correction.base_micros() + self.elapsed
        }
    }

    #[test]
    fn a_clock_that_nobody_sets_is_never_corrected() {
        let mut machine = Machine::start();
        machine.run(HOUR);
        assert_eq!(machine.shown(), machine.system);
        assert_eq!(machine.correction.stats(), ClockStats::default());
    }

    #[test]
    fn a_step_is_reported_once_and_followed_by_a_twentieth_of_the_time() {
        for by in [HOUR, -HOUR] {
            let mut machine = Machine::start();
            machine.run(SECOND);
            machine.system += by;
            machine.run(TURN);
            let step = machine.steps[0];
            assert_eq!(step.by_millis, by / 1_000);
            let left = HOUR / 1_000 * 20 - step.followed_in_millis;
            assert!((0..=1_000).contains(&left), "an hour takes twenty: {step:?}");

            machine.run(HOUR);
            let behind = machine.system - machine.shown();
            assert!((behind - by / 20 * 19).abs() <= SECOND, "{behind}");
            assert_eq!(machine.correction.stats().behind_millis, behind / 1_000);
            machine.run(20 * HOUR);
            assert_eq!(machine.shown(), machine.system);
            assert_eq!(machine.steps.len(), 1);
        }
    }

    #[test]
    fn a_step_that_is_taken_back_leaves_no_trace_but_the_count() {
        let mut machine = Machine::start();
        machine.system += HOUR;
        machine.run(60 * SECOND);
        assert!(machine.system - machine.shown() > HOUR - 4 * SECOND, "it follows slowly");
        machine.system -= HOUR;
        machine.run(120 * SECOND);
        assert_eq!(machine.shown(), machine.system);
        let stats = machine.correction.stats();
        assert_eq!((stats.step_count, stats.last_step_millis), (2, -HOUR / 1_000));
        assert_eq!(stats.behind_millis, 0);
    }

    #[test]
    fn a_small_difference_is_followed_and_is_no_step() {
        let mut machine = Machine::start();
        machine.system -= SECOND / 2;
        machine.run(20 * SECOND);
        assert_eq!(machine.shown(), machine.system);
        assert!(machine.steps.is_empty());
    }

    #[test]
    fn a_drift_of_the_system_clock_is_followed_and_is_no_step() {
        let mut machine = Machine::start();
        for _ in 0..36_000 {
            machine.system += TURN / 1_000;
            machine.run(TURN);
        }
        assert_eq!(machine.shown(), machine.system);
        assert!(machine.steps.is_empty());
    }

    #[test]
    fn the_time_in_which_the_machine_was_suspended_has_passed() {
        let mut machine = Machine::start();
        machine.system += HOUR;
        machine.look(HOUR - SECOND / 100);
        assert!(machine.steps.is_empty());
        machine.run(SECOND);
        assert_eq!(machine.shown(), machine.system);
    }

    #[test]
    fn a_step_while_the_machine_was_suspended_is_one() {
        let mut machine = Machine::start();
        machine.system += HOUR - 60 * SECOND;
        machine.look(HOUR);
        assert_eq!(machine.steps[0].by_millis, -60_000);
        assert_eq!(machine.system - machine.shown(), -60 * SECOND);
    }

    #[test]
    fn a_clock_beyond_what_can_be_counted_is_followed_without_a_panic() {
        for system_micros in [i64::MAX, i64::MIN] {
            let mut correction = Correction::new(0);
            for elapsed_micros in [0, SECOND, i64::MAX] {
                let _ = correction.observe(Reading { elapsed_micros, system_micros }, || 0);
            }
            assert!(correction.stats().step_count > 0);
        }
    }
}
