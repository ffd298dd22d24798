//! The progress through a backlog, and an estimate of the time left.

use std::collections::BTreeMap;
use std::time::Duration;

/// The progress through a backlog. Records are counted by their offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loading {
    /// Records read.
    pub done_records: u64,
    /// Records still to read.
    pub remaining_records: u64,
    /// The time since the reading began.
    pub elapsed: Duration,
}

impl Loading {
    /// The progress of each table, from that of its partitions.
    pub fn sum_by_table<'a>(
        partitions: impl Iterator<Item = (&'a str, Self)>,
    ) -> BTreeMap<&'a str, Self> {
        let mut tables = BTreeMap::<&str, Self>::new();
        for (table, loading) in partitions {
            let sum = tables.entry(table);
            sum.and_modify(|sum| *sum = sum.and(loading)).or_insert(loading);
        }
        tables
    }

    /// Records read in a second, on average since the beginning.
    pub fn records_per_second(&self) -> u64 {
        let millis = self.elapsed.as_millis().max(1);
        u64::try_from(u128::from(self.done_records) * 1_000 / millis).unwrap_or(u64::MAX)
    }

    /// The time left at that rate; none before there is a rate.
    pub fn time_left(&self) -> Option<Duration> {
        let seconds = self.remaining_records.checked_div(self.records_per_second())?;
        Some(Duration::from_secs(seconds))
    }

    /// The progress of two partitions that are read side by side.
    fn and(self, other: Self) -> Self {
        Self {
            done_records: self.done_records.saturating_add(other.done_records),
            remaining_records: self.remaining_records.saturating_add(other.remaining_records),
            elapsed: self.elapsed.max(other.elapsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_rate_so_far() {
        let (done_records, remaining_records) = (10_000, 50_000);
        let loading = Loading { done_records, remaining_records, elapsed: Duration::from_secs(5) };
        assert_eq!(loading.records_per_second(), 2_000);
        assert_eq!(loading.time_left(), Some(Duration::from_secs(25)));
        assert_eq!(Loading { done_records: 0, ..loading }.time_left(), None);
    }

    #[test]
    fn partitions_that_are_read_side_by_side_add_up() {
        let one =
            Loading { done_records: 1, remaining_records: 2, elapsed: Duration::from_secs(3) };
        let both = one.and(Loading { elapsed: Duration::from_secs(1), ..one });
        assert_eq!(both, Loading { done_records: 2, remaining_records: 4, ..one });
    }
}
