//! Checks that the counters balance while the service runs.
//!
//! Of each partition: every record that was polled has exactly one outcome. Of each table:
//! entries stored less entries removed is the number of entries that the store holds, and no more
//! weight is released than was reserved.
//!
//! The counters change while they are read, so a check compares only what stood still: a
//! partition between two of its records, and a table if none of its partitions handled a
//! record and the table counted nothing meanwhile. One change can still be half done: a
//! lookup removes an expired entry and counts the removal after that. So a table's mismatch
//! counts only when a later check finds the same one.

mod mismatches;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::stats::{CounterCheckStats, PartitionStats};
use crate::table::Table;
use mismatches::{Mismatches, TableFigures};

/// How long a table's mismatch has to last. No lookup takes that long between the removal of
/// an entry and its count.
const MIN_DURATION: Duration = Duration::from_secs(1);

type ReadPartitions = Box<dyn Fn() -> Vec<PartitionStats> + Send + Sync>;

/// Checks the counters of all partitions and tables.
pub(super) struct CounterCheck {
    tables: Vec<Arc<Table>>,
    partitions: ReadPartitions,
    mismatches: Mutex<Mismatches>,
    last: Mutex<CounterCheckStats>,
}

impl CounterCheck {
    pub(super) fn new(
        tables: Vec<Arc<Table>>,
        partitions: impl Fn() -> Vec<PartitionStats> + Send + Sync + 'static,
    ) -> Self {
        Self {
            tables,
            partitions: Box::new(partitions),
            mismatches: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// The result of the last check. Does not wait for a check that runs.
    pub(super) fn last(&self) -> CounterCheckStats {
        *self.last.lock()
    }

    /// Checks all partitions and tables, and logs each new mismatch.
    pub(super) fn check(&self) -> CounterCheckStats {
        self.check_lasting(MIN_DURATION)
    }

    /// The last check, after the end of all reading and writing: no change is half done.
    pub(super) fn final_check(&self) -> CounterCheckStats {
        self.check_lasting(Duration::ZERO);
        self.check_lasting(Duration::ZERO)
    }

    fn check_lasting(&self, min_duration: Duration) -> CounterCheckStats {
        // Held to the end: one check runs at a time.
        let mut mismatches = self.mismatches.lock();
        let before = (self.partitions)();
        for partition in &before {
            mismatches.check_partition(partition);
        }
        let figures: Vec<_> =
            self.tables.iter().map(|table| (table, figures(table, &before))).collect();
        for table in &self.tables {
            mismatches.check_weight(table.name(), table.stats().weight_mismatch_count);
        }
        let after = (self.partitions)();
        for (table, figures) in figures {
            let is_still = handled_count(table, &before)
                .is_some_and(|count| handled_count(table, &after) == Some(count));
            if let Some(figures) = figures.filter(|_| is_still) {
                mismatches.check_table(table.name(), figures, Instant::now(), min_duration);
            }
        }
        let stats = mismatches.stats();
        *self.last.lock() = stats;
        stats
    }
}

/// How many records a table's partitions have handled; none while one is being handled.
fn handled_count(table: &Table, partitions: &[PartitionStats]) -> Option<u64> {
    let mut own = partitions.iter().filter(|partition| partition.table == table.name());
    own.try_fold(0, |sum, each| each.is_settled.then_some(sum + each.polled_count))
}

/// A table's figures; none if the table counted something while they were read.
fn figures(table: &Table, partitions: &[PartitionStats]) -> Option<TableFigures> {
    let counters = || {
        let stats = table.stats();
        (stats.stored_count, stats.removals)
    };
    let before = counters();
    let held = table.held_count();
    let own = partitions.iter().filter(|partition| partition.table == table.name());
    let (stored, removals) = before;
    (counters() == before).then(|| TableFigures {
        written: own.map(PartitionStats::written_count).sum(),
        stored,
        removed: removals.total(),
        held,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::heap::Account;
    use crate::record::{Draft, FieldsBuffer, KeyRef, Origin, RankedBy, Timestamp};
    use crate::stats::Outcome;
    use crate::table::Spec;

    /// A table with this number of entries.
    fn table(entries: u64) -> Arc<Table> {
        let table = Table::new(Spec {
            name: "services".into(),
            fields: Vec::new(),
            ttl: Duration::from_secs(3600),
            ranked_by: RankedBy::Time,
            capacity_bytes: 1 << 20,
            store: crate::config::Store::Moka,
            changes_bytes: 0,
            account: Account::open().unwrap(),
            clock: Clock::start(),
        });
        let time = Timestamp::now();
        let origin = Origin { partition: 0, offset: 0, time };
        for number in 0..entries {
            let expiry = time.plus(Duration::from_secs(3600));
            let (key, fields) = (format!("key-{number}"), FieldsBuffer::default());
            let key = KeyRef::new(&key).unwrap();
            table.insert(Draft::new(key, origin, expiry, &fields), time);
        }
        Arc::new(table)
    }

    /// A partition of that table which counts this number of stored records.
    fn partition(stored: u64) -> PartitionStats {
        let count = |outcome| if outcome == Outcome::Stored { stored } else { 0 };
        PartitionStats {
            table: "services".into(),
            polled_count: stored,
            outcomes: Outcome::all().map(|outcome| (outcome, count(outcome))).collect(),
            is_settled: true,
            ..PartitionStats::default()
        }
    }

    #[test]
    fn a_table_that_holds_what_its_partition_stored_balances() {
        let counters = CounterCheck::new(vec![table(7)], || vec![partition(7)]);
        assert_eq!(counters.final_check().mismatch_count, 0);
    }

    #[test]
    fn a_table_that_holds_another_number_than_its_partition_stored_does_not() {
        let counters = CounterCheck::new(vec![table(7)], || vec![partition(8)]);
        assert_eq!(counters.check().mismatch_count, 0, "a change may be half done");
        assert_eq!(counters.final_check().mismatch_count, 1);
        assert_eq!(counters.final_check().mismatch_count, 1);
    }

    #[test]
    fn a_table_is_not_compared_while_a_record_is_handled() {
        let handling = || vec![PartitionStats { is_settled: false, ..partition(8) }];
        assert_eq!(CounterCheck::new(vec![table(7)], handling).final_check().mismatch_count, 0);
    }
}
