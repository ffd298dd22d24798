//! How near the limit is, and what is to be done about it: first give pages back, then
//! evict, then pause the stream, and back in reverse order.
//!
//! One stage a step, and a stage is left only well below where it is entered, so that
//! none of them comes and goes. Only decides; the readings come in, the actions are
//! somebody else's.

/// What is done about memory being short, the mildest first. Each includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing has to be.
    #[default]
    Normal,
    /// Freed pages are given back to the system at once.
    GivingBack,
    /// Entries leave their tables.
    Evicting,
    /// The partitions are paused.
    Pausing,
}

impl Stage {
    /// Every stage, the mildest first.
    pub const ALL: [Self; 4] = [Self::Normal, Self::GivingBack, Self::Evicting, Self::Pausing];

    /// The share of the limit from which on it holds, in thousandths.
    const fn enter_thousandths(self) -> u64 {
        match self {
            Self::Normal => 0,
            Self::GivingBack => 900,
            Self::Evicting => 940,
            Self::Pausing => 970,
        }
    }

    /// What has to be undercut to leave it, in bytes.
    pub fn leave_below_bytes(self, limit_bytes: u64) -> u64 {
        /// How far below its beginning a stage ends.
        const HYSTERESIS_THOUSANDTHS: u64 = 20;
        part(limit_bytes, self.enter_thousandths().saturating_sub(HYSTERESIS_THOUSANDTHS))
    }

    /// The stage before and the stage after.
    fn neighbours(self) -> (Self, Self) {
        let at = self as usize;
        (Self::ALL[at.saturating_sub(1)], Self::ALL[(at + 1).min(Self::ALL.len() - 1)])
    }
}

/// The stage of the moment, and how often each was entered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pressure {
    stage: Stage,
    entered: [u64; Stage::ALL.len()],
}

impl Pressure {
    /// The stage of the moment.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// How often a stage was entered, from either side.
    pub fn entered_count(&self, stage: Stage) -> u64 {
        self.entered[stage as usize]
    }

    /// Takes a reading. The new stage, if that changes it.
    pub fn step(&mut self, used_bytes: u64, limit_bytes: u64) -> Option<Stage> {
        let (before, after) = self.stage.neighbours();
        if used_bytes >= part(limit_bytes, after.enter_thousandths()) && after != self.stage {
            return Some(self.enter(after));
        }
        let leaves = used_bytes < self.stage.leave_below_bytes(limit_bytes);
        leaves.then(|| self.enter(before))
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

    /// The stages that readings lead to, in thousandths of the limit.
    fn stages(readings: &[u64]) -> Vec<Stage> {
        let mut pressure = Pressure::default();
        readings
            .iter()
            .map(|&reading| {
                pressure.step(reading, 1_000);
                pressure.stage()
            })
            .collect()
    }

    #[test]
    fn stages_come_one_by_one_and_go_in_reverse_order() {
        use Stage::{Evicting, GivingBack, Normal, Pausing};
        let rise_and_fall = [899, 990, 990, 990, 990, 100, 100, 100, 100];
        let expected =
            [Normal, GivingBack, Evicting, Pausing, Pausing, Evicting, GivingBack, Normal, Normal];
        assert_eq!(stages(&rise_and_fall), expected);
    }

    #[test]
    fn a_stage_does_not_come_and_go_with_every_reading() {
        let mut pressure = Pressure::default();
        for reading in [905, 895, 905, 890, 901, 881] {
            pressure.step(reading, 1_000);
        }
        assert_eq!(pressure.stage(), Stage::GivingBack);
        assert_eq!(pressure.entered_count(Stage::GivingBack), 1);
        assert_eq!(pressure.step(879, 1_000), Some(Stage::Normal));
        assert_eq!(pressure.step(879, 1_000), None);
    }

    #[test]
    fn a_lower_limit_is_as_good_as_more_use() {
        let mut pressure = Pressure::default();
        assert_eq!(pressure.step(600, 1_000), None);
        assert_eq!(pressure.step(600, 500), Some(Stage::GivingBack));
    }
}
