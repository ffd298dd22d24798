//! How far the reading of a backlog is, and how long it may still take.

use std::collections::BTreeMap;
use std::time::Duration;

use super::PartitionStats;

/// A backlog that is being read. Records are counted by their offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loading {
    /// Records read.
    pub done_records: u64,
    /// Records still to read.
    pub remaining_records: u64,
    /// For how long it has been read.
    pub elapsed: Duration,
}

impl Loading {
    /// The tables that are loading, each with all of its partitions that are.
    pub fn by_table(partitions: &[PartitionStats]) -> BTreeMap<&str, Self> {
        let mut tables = BTreeMap::<&str, Self>::new();
        for partition in partitions {
            let Some(loading) = partition.loading else { continue };
            let table = tables.entry(&partition.table);
            table.and_modify(|sum| *sum = sum.and(loading)).or_insert(loading);
        }
        tables
    }

    /// Records read in a second, over all the time.
    pub fn records_per_second(&self) -> u64 {
        let millis = self.elapsed.as_millis().max(1);
        u64::try_from(u128::from(self.done_records) * 1_000 / millis).unwrap_or(u64::MAX)
    }

    /// How long it will take at that rate; none as long as there is none.
    pub fn time_left(&self) -> Option<Duration> {
        let seconds = self.remaining_records.checked_div(self.records_per_second())?;
        Some(Duration::from_secs(seconds))
    }

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
    fn what_is_to_go_takes_as_long_as_what_is_done_took() {
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
