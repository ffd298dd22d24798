//! What is found of the books, and said: once of each that ceases to balance, until it
//! balances again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::stats::{BooksStats, PartitionStats};

/// The figures of one table, of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableFigures {
    /// Records stored or replaced, by its partitions' books.
    pub(super) written: u64,
    /// Entries written, by its own.
    pub(super) stored: u64,
    /// Entries that left, for whatever cause.
    pub(super) removed: u64,
    /// Entries there are, by the store's count.
    pub(super) held: u64,
}

impl TableFigures {
    /// How many writes are not accounted for, and how many entries; both zero if it balances.
    fn difference(&self) -> (i128, i128) {
        let less = |of: u64, by: u64| i128::from(of) - i128::from(by);
        let live = less(self.stored, self.removed);
        (less(self.written, self.stored), live - i128::from(self.held))
    }
}

/// What is off at the moment, and how often anything was.
#[derive(Debug, Default)]
pub(super) struct Audit {
    partitions: BTreeSet<(String, String, i32)>,
    tables: BTreeMap<String, Off>,
    mismatch_count: u64,
}

/// A table that is off.
#[derive(Debug)]
struct Off {
    by: (i128, i128),
    since: Instant,
    is_said: bool,
}

impl Audit {
    pub(super) fn stats(&self) -> BooksStats {
        BooksStats { mismatch_count: self.mismatch_count }
    }

    /// Compares what was polled of a partition with what became of it.
    pub(super) fn partition(&mut self, found: &PartitionStats) {
        if !found.is_settled {
            return;
        }
        let place = (found.table.clone(), found.topic.clone(), found.partition);
        if found.polled_count == found.booked_count() {
            self.partitions.remove(&place);
        } else if self.partitions.insert(place) {
            self.mismatch_count += 1;
            tracing::error!(
                table = found.table,
                topic = found.topic,
                partition = found.partition,
                polled_count = found.polled_count,
                booked_count = found.booked_count(),
                outcomes = ?found.outcomes,
                "the books of a partition do not balance: records have come to no outcome or to \
                 two; this is a fault of millpond, please report it with these figures"
            );
        }
    }

    /// Compares a table's books with its partitions' and with what it holds. It has to be off
    /// by the same for so long.
    pub(super) fn table(
        &mut self,
        table: &str,
        found: TableFigures,
        now: Instant,
        stands_for: Duration,
    ) {
        let by = found.difference();
        if by == (0, 0) {
            self.tables.remove(table);
            return;
        }
        let Some(off) = self.tables.get_mut(table).filter(|off| off.is_said || off.by == by) else {
            self.tables.insert(table.to_owned(), Off { by, since: now, is_said: false });
            return;
        };
        if off.is_said || now.duration_since(off.since) < stands_for {
            return;
        }
        off.is_said = true;
        self.mismatch_count += 1;
        tracing::error!(
            table,
            written_count = found.written,
            stored_count = found.stored,
            removed_count = found.removed,
            held_count = found.held,
            "the books of a table do not balance: what was stored less what was removed is not \
             what is held, or not what its partitions wrote; this is a fault of millpond, please \
             report it with these figures"
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

    /// The counts after each look at a partition.
    fn partition_looks(looks: &[PartitionStats]) -> Vec<u64> {
        let mut audit = Audit::default();
        let counts = looks.iter().map(|found| {
            audit.partition(found);
            audit.stats().mismatch_count
        });
        counts.collect()
    }

    /// The counts after each look at a table, a second apart.
    fn table_looks(looks: &[TableFigures]) -> Vec<u64> {
        let (mut audit, start) = (Audit::default(), Instant::now());
        let counts = looks.iter().zip(0..).map(|(&found, n)| {
            audit.table("services", found, start + n * SECOND, SECOND);
            audit.stats().mismatch_count
        });
        counts.collect()
    }

    #[test]
    fn a_partition_that_balances_is_no_mismatch() {
        assert_eq!(partition_looks(&[partition(0, 0, 0), partition(5, 3, 2)]), [0, 0]);
    }

    #[test]
    fn a_record_without_an_outcome_and_one_with_two_are_found_at_once() {
        assert_eq!(partition_looks(&[partition(5, 3, 1)]), [1]);
        assert_eq!(partition_looks(&[partition(5, 3, 3)]), [1]);
    }

    #[test]
    fn a_mismatch_counts_once_until_it_balances_again() {
        let (off, sound) = (partition(5, 3, 1), partition(6, 4, 2));
        assert_eq!(partition_looks(&[off.clone(), off.clone(), sound, off]), [1, 1, 1, 2]);
    }

    #[test]
    fn a_partition_with_a_record_in_hand_is_not_compared() {
        let in_hand = PartitionStats { is_settled: false, ..partition(5, 3, 1) };
        assert_eq!(partition_looks(&[in_hand]), [0]);
    }

    #[test]
    fn a_table_that_holds_too_few_or_too_many_is_found_by_the_next_look() {
        for held in [5, 7] {
            let off = TableFigures { held, ..SOUND };
            assert_eq!(table_looks(&[SOUND, off, off, off]), [0, 0, 1, 1]);
        }
    }

    #[test]
    fn a_table_that_stored_other_than_its_partitions_wrote_is_found() {
        let off = TableFigures { written: 11, ..SOUND };
        assert_eq!(table_looks(&[off, off]), [0, 1]);
    }

    #[test]
    fn a_table_that_is_off_for_a_moment_is_no_mismatch() {
        let off = TableFigures { held: 5, ..SOUND };
        let more = TableFigures { held: 4, ..SOUND };
        assert_eq!(table_looks(&[off, SOUND, off, more, SOUND]), [0; 5]);
    }

    #[test]
    fn a_table_that_is_off_is_found_though_the_stream_goes_on() {
        let off = TableFigures { held: 5, ..SOUND };
        let later = TableFigures { written: 11, stored: 11, held: 6, ..SOUND };
        assert_eq!(table_looks(&[off, later]), [0, 1]);
    }
}
