//! The mismatches that the checks find. Each is counted and logged once, until the same
//! partition or table balances again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::stats::{CounterCheckStats, PartitionStats};

/// The counters of one table at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableFigures {
    /// Records that were stored or replaced another, as its partitions count them.
    pub(super) written: u64,
    /// Entries that were written, as the table counts them.
    pub(super) stored: u64,
    /// Entries that left, for whatever cause.
    pub(super) removed: u64,
    /// Entries that the store holds.
    pub(super) held: u64,
}

impl TableFigures {
    /// By how much writes and entries are off; both zero if the table balances.
    fn difference(&self) -> (i128, i128) {
        let minus = |a: u64, b: u64| i128::from(a) - i128::from(b);
        let live = minus(self.stored, self.removed);
        (minus(self.written, self.stored), live - i128::from(self.held))
    }
}

/// The current mismatches, and how many there have been.
#[derive(Debug, Default)]
pub(super) struct Mismatches {
    partitions: BTreeSet<(String, String, i32)>,
    tables: BTreeMap<String, TableMismatch>,
    /// How often each table released more weight than was reserved.
    weights: BTreeMap<String, u64>,
    count: u64,
}

#[derive(Debug)]
struct TableMismatch {
    difference: (i128, i128),
    since: Instant,
    is_reported: bool,
}

impl Mismatches {
    pub(super) fn stats(&self) -> CounterCheckStats {
        CounterCheckStats { mismatch_count: self.count }
    }

    /// Compares the records that were polled of a partition with their outcomes.
    pub(super) fn check_partition(&mut self, found: &PartitionStats) {
        if !found.is_settled {
            return;
        }
        let partition = (found.table.clone(), found.topic.clone(), found.partition);
        if found.polled_count == found.outcome_count() {
            self.partitions.remove(&partition);
        } else if self.partitions.insert(partition) {
            self.count += 1;
            tracing::error!(
                table = found.table,
                topic = found.topic,
                partition = found.partition,
                polled_count = found.polled_count,
                outcome_count = found.outcome_count(),
                outcomes = ?found.outcomes,
                "the counters of a partition do not balance: some records have no outcome or \
                 two; this is a bug in millpond, please report it with these figures"
            );
        }
    }

    /// Takes over how often a table released more weight than was reserved, so far.
    pub(super) fn check_weight(&mut self, table: &str, mismatch_count: u64) {
        let known = self.weights.get(table).copied().unwrap_or(0);
        if mismatch_count <= known {
            return;
        }
        self.count += mismatch_count - known;
        self.weights.insert(table.to_owned(), mismatch_count);
        tracing::error!(
            table,
            mismatch_count,
            "more weight was released in a table than was reserved; this is a bug in millpond, \
             please report it with these figures"
        );
    }

    /// Compares a table's counters with those of its partitions and with the entries that it
    /// holds. A mismatch counts when it has been the same for `min_duration`.
    pub(super) fn check_table(
        &mut self,
        table: &str,
        found: TableFigures,
        now: Instant,
        min_duration: Duration,
    ) {
        let difference = found.difference();
        if difference == (0, 0) {
            self.tables.remove(table);
            return;
        }
        let known = self.tables.get_mut(table);
        let Some(known) = known.filter(|known| known.is_reported || known.difference == difference)
        else {
            let new = TableMismatch { difference, since: now, is_reported: false };
            self.tables.insert(table.to_owned(), new);
            return;
        };
        if known.is_reported || now.duration_since(known.since) < min_duration {
            return;
        }
        known.is_reported = true;
        self.count += 1;
        tracing::error!(
            table,
            written_count = found.written,
            stored_count = found.stored,
            removed_count = found.removed,
            held_count = found.held,
            "the counters of a table do not balance: entries stored less entries removed are \
             not the entries held, or not what its partitions wrote; this is a bug in \
             millpond, please report it with these figures"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Outcome;

    const SECOND: Duration = Duration::from_secs(1);
    const SOUND: TableFigures = TableFigures { written: 10, stored: 10, removed: 4, held: 6 };

    fn partition(polled_count: u64, stored: u64, filtered: u64) -> PartitionStats {
        let count = |outcome| match outcome {
            Outcome::Stored => stored,
            Outcome::Filtered => filtered,
            _ => 0,
        };
        PartitionStats {
            table: "services".into(),
            polled_count,
            outcomes: Outcome::all().map(|outcome| (outcome, count(outcome))).collect(),
            is_settled: true,
            ..PartitionStats::default()
        }
    }

    /// The mismatch count after each check of a partition.
    fn check_partitions(found: &[PartitionStats]) -> Vec<u64> {
        let mut mismatches = Mismatches::default();
        let counts = found.iter().map(|found| {
            mismatches.check_partition(found);
            mismatches.stats().mismatch_count
        });
        counts.collect()
    }

    /// The mismatch count after each check of a table, one second apart.
    fn check_tables(found: &[TableFigures]) -> Vec<u64> {
        let (mut mismatches, start) = (Mismatches::default(), Instant::now());
        let counts = found.iter().zip(0..).map(|(&found, n)| {
            mismatches.check_table("services", found, start + n * SECOND, SECOND);
            mismatches.stats().mismatch_count
        });
        counts.collect()
    }

    #[test]
    fn a_partition_that_balances_is_no_mismatch() {
        assert_eq!(check_partitions(&[partition(0, 0, 0), partition(5, 3, 2)]), [0, 0]);
    }

    #[test]
    fn a_record_without_an_outcome_or_with_two_is_found_by_the_first_check() {
        assert_eq!(check_partitions(&[partition(5, 3, 1)]), [1]);
        assert_eq!(check_partitions(&[partition(5, 3, 3)]), [1]);
    }

    #[test]
    fn a_mismatch_counts_once_until_it_balances_again() {
        let (off, sound) = (partition(5, 3, 1), partition(6, 4, 2));
        assert_eq!(check_partitions(&[off.clone(), off.clone(), sound, off]), [1, 1, 1, 2]);
    }

    #[test]
    fn a_partition_is_not_compared_while_a_record_is_handled() {
        let handling = PartitionStats { is_settled: false, ..partition(5, 3, 1) };
        assert_eq!(check_partitions(&[handling]), [0]);
    }

    #[test]
    fn a_table_that_holds_too_few_or_too_many_entries_is_found_by_the_next_check() {
        for held in [5, 7] {
            let off = TableFigures { held, ..SOUND };
            assert_eq!(check_tables(&[SOUND, off, off, off]), [0, 0, 1, 1]);
        }
    }

    #[test]
    fn a_table_that_stored_another_number_than_its_partitions_wrote_is_found() {
        let off = TableFigures { written: 11, ..SOUND };
        assert_eq!(check_tables(&[off, off]), [0, 1]);
    }

    #[test]
    fn a_table_that_is_off_for_a_moment_is_no_mismatch() {
        let off = TableFigures { held: 5, ..SOUND };
        let more = TableFigures { held: 4, ..SOUND };
        assert_eq!(check_tables(&[off, SOUND, off, more, SOUND]), [0; 5]);
    }

    #[test]
    fn a_table_that_is_off_is_found_while_records_go_on_coming() {
        let off = TableFigures { held: 5, ..SOUND };
        let later = TableFigures { written: 11, stored: 11, held: 6, ..SOUND };
        assert_eq!(check_tables(&[off, later]), [0, 1]);
    }

    #[test]
    fn weight_that_was_released_twice_counts_once_for_each_time() {
        let mut mismatches = Mismatches::default();
        let counts = [0, 2, 2, 3].map(|count| {
            mismatches.check_weight("services", count);
            mismatches.stats().mismatch_count
        });
        assert_eq!(counts, [0, 2, 2, 3]);
    }
}
