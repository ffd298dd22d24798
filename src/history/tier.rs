//! One tier: a ring of samples in one allocation, each a row of values.

use super::series::{Combine, Layout};

/// How far a tier reaches back, and how finely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierSize {
    /// The seconds of one sample.
    pub step_seconds: u64,
    /// The number of samples that it keeps.
    pub samples: usize,
}

/// The tiers, the finest first: 15 minutes, 6 hours and 3 days.
pub const TIERS: [TierSize; 3] = [
    TierSize { step_seconds: 1, samples: 900 },
    TierSize { step_seconds: 10, samples: 2_160 },
    TierSize { step_seconds: 60, samples: 4_320 },
];

/// One sample: its number, and a value for each series. A value that is not known is not a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The number of steps between the origin and the sample.
    pub number: u64,
    /// The values, in the order of the layout.
    pub values: Vec<f32>,
}

#[derive(Debug)]
pub(super) struct Tier {
    size: TierSize,
    width: usize,
    /// The number of the newest sample.
    newest: Option<u64>,
    /// The number of the oldest sample that was ever there.
    first: u64,
    values: Box<[f32]>,
}

impl Tier {
    pub(super) fn new(size: TierSize, width: usize) -> Self {
        let values = vec![f32::NAN; size.samples * width].into();
        Self { size, width, newest: None, first: 0, values }
    }

    /// Adds the values of one second to the sample that it belongs to.
    pub(super) fn put(&mut self, second: u64, values: &[f32], layout: &Layout) {
        let number = second / self.size.step_seconds;
        match self.newest {
            Some(newest) if number < newest => return,
            Some(newest) if number == newest => {}
            _ => self.begin(number),
        }
        let row = self.row_mut(number);
        // The sample with the highest usage gives all values of memory, so that these belong
        // together.
        let is_peak =
            values.first() >= row.first() || row.first().is_some_and(|last| last.is_nan());
        for ((kept, value), combine) in row.iter_mut().zip(values).zip(layout.combines()) {
            *kept = match combine {
                Combine::AtPeak if is_peak => *value,
                Combine::AtPeak => *kept,
                Combine::Last => *value,
                Combine::Max => kept.max(*value),
                Combine::Sum if kept.is_nan() => *value,
                Combine::Sum => *kept + *value,
            };
        }
    }

    /// Begins a sample, and empties those that were left out since the newest.
    fn begin(&mut self, number: u64) {
        let samples = self.size.samples as u64;
        let after = self.newest.map_or(number, |newest| newest + 1);
        if self.newest.is_none() {
            self.first = number;
        }
        for left_out in after.max((number + 1).saturating_sub(samples))..=number {
            self.row_mut(left_out).fill(f32::NAN);
        }
        self.newest = Some(number);
    }

    /// At most `count` samples from the number `from` on, and whether there are newer ones.
    pub(super) fn rows(&self, from: u64, count: usize) -> (Vec<Row>, bool) {
        let Some(newest) = self.newest else { return (Vec::new(), false) };
        let oldest = (newest + 1).saturating_sub(self.size.samples as u64).max(self.first);
        let from = from.max(oldest);
        let end = newest.min(from.saturating_add(count as u64).saturating_sub(1));
        let row = |number| Row { number, values: self.values[self.range(number)].into() };
        ((from..=end).map(row).collect(), end < newest)
    }

    fn row_mut(&mut self, number: u64) -> &mut [f32] {
        let range = self.range(number);
        &mut self.values[range]
    }

    fn range(&self, number: u64) -> std::ops::Range<usize> {
        // The remainder is below a number of samples, which is a usize.
        let slot = usize::try_from(number % self.size.samples as u64).unwrap_or_default();
        slot * self.width..(slot + 1) * self.width
    }
}
