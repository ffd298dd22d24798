//! The pressure stage: how short memory is, and what the process does about it.
//!
//! ```text
//! share of the limit    below 90 %   from 90 %   from 94 %   from 97 %
//! stage                 Normal       Purging     Evicting    Paused
//! ```
//!
//! A reading moves the stage by one step at most. A stage ends 2 % of the limit below its
//! beginning, so that readings around a threshold do not switch it on and off. This file
//! only decides: the readings come in as numbers, and the governor in `app` acts.

/// What the process does about memory, the mildest first. Each stage includes the earlier ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing: memory is not short.
    #[default]
    Normal,
    /// Freed pages are returned to the system at once.
    Purging,
    /// Entries are evicted from the tables.
    Evicting,
    /// The stream is paused: no record is read.
    Paused,
}

impl Stage {
    /// Every stage, the mildest first.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Purging, Self::Evicting, Self::Paused];

    /// The share of the limit at which the stage begins, in thousandths.
    const fn enter_thousandths(self) -> u64 {
        match self {
            Self::Normal => 0,
            Self::Purging => 900,
            Self::Evicting => 940,
            Self::Paused => 970,
        }
    }

    /// The stage ends when less than this is used, in bytes.
    pub fn leave_below_bytes(self, limit_bytes: u64) -> u64 {
        const HYSTERESIS_THOUSANDTHS: u64 = 20;
        part(limit_bytes, self.enter_thousandths().saturating_sub(HYSTERESIS_THOUSANDTHS))
    }

    /// The next milder and the next harder stage; at either end the stage itself.
    fn neighbours(self) -> (Self, Self) {
        let index = self as usize;
        (Self::ALL[index.saturating_sub(1)], Self::ALL[(index + 1).min(Self::ALL.len() - 1)])
    }
}

/// The current stage, and how often each stage was entered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pressure {
    stage: Stage,
    entered: [u64; Stage::ALL.len()],
}

impl Pressure {
    /// The current stage.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// How often a stage was entered, from a milder or from a harder one.
    pub fn entered_count(&self, stage: Stage) -> u64 {
        self.entered[stage as usize]
    }

    /// Takes a reading into account. Returns the new stage if the reading changes it.
    pub fn observe(&mut self, used_bytes: u64, limit_bytes: u64) -> Option<Stage> {
        let (milder, harder) = self.stage.neighbours();
        if used_bytes >= part(limit_bytes, harder.enter_thousandths()) && harder != self.stage {
            return Some(self.enter(harder));
        }
        let leaves = used_bytes < self.stage.leave_below_bytes(limit_bytes);
        leaves.then(|| self.enter(milder))
    }

    fn enter(&mut self, stage: Stage) -> Stage {
        self.stage = stage;
        self.entered[stage as usize] += 1;
        stage
    }
}

fn part(bytes: u64, thousandths: u64) -> u64 {
    let part = u128::from(bytes) * u128::from(thousandths) / 1_000;
    u64::try_from(part).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stage after each reading, given in thousandths of the limit.
    fn stages(readings: &[u64]) -> Vec<Stage> {
        let mut pressure = Pressure::default();
        readings
            .iter()
            .map(|&reading| {
                pressure.observe(reading, 1_000);
                pressure.stage()
            })
            .collect()
    }

    #[test]
    fn stages_are_entered_one_by_one_and_left_in_reverse_order() {
        use Stage::{Evicting, Normal, Paused, Purging};
        let rise_and_fall = [899, 990, 990, 990, 990, 100, 100, 100, 100];
        let expected =
            [Normal, Purging, Evicting, Paused, Paused, Evicting, Purging, Normal, Normal];
        assert_eq!(stages(&rise_and_fall), expected);
    }

    #[test]
    fn a_reading_a_little_below_the_threshold_does_not_end_a_stage() {
        let mut pressure = Pressure::default();
        for reading in [905, 895, 905, 890, 901, 881] {
            pressure.observe(reading, 1_000);
        }
        assert_eq!(pressure.stage(), Stage::Purging);
        assert_eq!(pressure.entered_count(Stage::Purging), 1);
        assert_eq!(pressure.observe(879, 1_000), Some(Stage::Normal));
        assert_eq!(pressure.observe(879, 1_000), None);
    }

    #[test]
    fn a_lowered_limit_raises_the_pressure_like_a_higher_reading() {
        let mut pressure = Pressure::default();
        assert_eq!(pressure.observe(600, 1_000), None);
        assert_eq!(pressure.observe(600, 500), Some(Stage::Purging));
    }
}
