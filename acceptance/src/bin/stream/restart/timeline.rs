//! The times of the records: evenly spread, so that a given share of the records is still alive.

use std::time::Duration;

use fastrand::Rng;

use crate::host::{TTL, millis, now_ms};
use crate::numbered::Time;

#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) records: u64,
    first_ms: i64,
    span_ms: i64,
    disorder_ms: i64,
}

impl Timeline {
    /// Times up to now, such that `inside_per_cent` of the records are within the time to live.
    pub(crate) fn new(records: u64, inside_per_cent: u32, disorder: Duration) -> Self {
        let span_ms = millis(TTL) * 100 / i64::from(inside_per_cent);
        let first_ms = now_ms() - span_ms;
        Self { records, first_ms, span_ms, disorder_ms: millis(disorder) }
    }

    /// Times in order up to `disorder_ms`, as in a stream of several producers.
    pub(crate) fn time_ms(&self, number: u64) -> i64 {
        let late_ms = Rng::with_seed(number).i64(0..=self.disorder_ms);
        self.in_order_ms(number) - late_ms
    }

    fn in_order_ms(&self, number: u64) -> i64 {
        let share = i128::from(number) * i128::from(self.span_ms) / i128::from(self.records);
        self.first_ms + i64::try_from(share).unwrap_or(i64::MAX)
    }

    /// When the record expires.
    pub(crate) fn expiry_ms(&self, number: u64) -> i64 {
        self.time_ms(number) + millis(TTL)
    }

    /// The number of records that are alive at that time.
    pub(crate) fn alive(&self, at_ms: i64) -> u64 {
        (0..self.records).filter(|&number| self.expiry_ms(number) > at_ms).count() as u64
    }

    /// The first record that would be alive at that time if all were in order.
    pub(crate) fn border(&self, at_ms: i64) -> u64 {
        let numbers: Vec<_> = (0..self.records).collect();
        let over = |&number: &u64| self.in_order_ms(number) + millis(TTL) <= at_ms;
        numbers.partition_point(over) as u64
    }

    pub(crate) fn days(&self) -> f64 {
        Duration::from_millis(self.span_ms.unsigned_abs()).as_secs_f64() / 86_400.0
    }
}

impl Time for Timeline {
    fn of(&self, number: u64) -> Option<i64> {
        Some(self.time_ms(number))
    }
}
