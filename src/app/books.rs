//! Checks that the counters balance while the service runs.
//!
//! A look must not take for a fault what is only half done. So a partition is compared
//! between two records, and a table only where nothing happened to it during the look: no
//! record of its partitions was being handled at either end of it, none came in between,
//! and nothing was booked. What the store does by itself it books before it counts. That
//! leaves a lookup that sweeps an expired entry, which takes it out and then books it: a
//! table's mismatch counts when the next look, a while later, finds the same.

mod audit;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::stats::{BooksStats, PartitionStats};
use crate::table::Table;
use audit::{Audit, TableFigures};

/// For how long a table has to be off. No lookup takes as long between two of its steps.
const STANDS_FOR: Duration = Duration::from_secs(1);

type ReadPartitions = Box<dyn Fn() -> Vec<PartitionStats> + Send + Sync>;

/// The books of all partitions and tables.
pub(super) struct Books {
    tables: Vec<Arc<Table>>,
    partitions: ReadPartitions,
    audit: Mutex<Audit>,
    last: Mutex<BooksStats>,
}

impl Books {
    pub(super) fn new(
        tables: Vec<Arc<Table>>,
        partitions: impl Fn() -> Vec<PartitionStats> + Send + Sync + 'static,
    ) -> Self {
        Self {
            tables,
            partitions: Box::new(partitions),
            audit: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// What the last look came to; waits for none.
    pub(super) fn last(&self) -> BooksStats {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at all of them, and says which have ceased to balance.
    pub(super) fn check(&self) -> BooksStats {
        self.check_standing(STANDS_FOR)
    }

    /// The same for the last time, when nobody reads or writes any more: what is off now is.
    pub(super) fn close(&self) -> BooksStats {
        self.check_standing(Duration::ZERO);
        self.check_standing(Duration::ZERO)
    }

    fn check_standing(&self, stands_for: Duration) -> BooksStats {
        // One look after the other.
        let mut audit = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        let before = (self.partitions)();
        for partition in &before {
            audit.partition(partition);
        }
        let figures: Vec<_> =
            self.tables.iter().map(|table| (table, figures(table, &before))).collect();
        let after = (self.partitions)();
        for (table, figures) in figures {
            let is_still = handled(table, &before).is_some_and(|handled_before| {
                handled(table, &after).is_some_and(|handled_after| handled_before == handled_after)
            });
            if let Some(figures) = figures.filter(|_| is_still) {
                audit.table(table.name(), figures, Instant::now(), stands_for);
            }
        }
        let stats = audit.stats();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = stats;
        stats
    }
}

/// How many records of its partitions a table has handled; none while it handles one.
fn handled(table: &Table, partitions: &[PartitionStats]) -> Option<u64> {
    let mut own = partitions.iter().filter(|partition| partition.table == table.name());
    own.try_fold(0, |sum, each| each.is_settled.then_some(sum + each.polled_count))
}

/// A table's figures; none where something was booked meanwhile.
fn figures(table: &Table, partitions: &[PartitionStats]) -> Option<TableFigures> {
    let booked = || {
        let stats = table.stats();
        (stats.stored_count, stats.removals)
    };
    let before = booked();
    let held = table.held_count();
    let own = partitions.iter().filter(|partition| partition.table == table.name());
    let (stored, removals) = before;
    (booked() == before).then(|| TableFigures {
        written: own.map(PartitionStats::written_count).sum(),
        stored,
        removed: removals.total(),
        held,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Account;
    use crate::record::{Draft, FieldsBuffer, KeyRef, Origin, Timestamp};
    use crate::stats::Outcome;
    use crate::table::Spec;

    /// A table with so many entries.
    fn table(entries: u64) -> Arc<Table> {
        let table = Table::new(Spec {
            name: "services".into(),
            fields: Vec::new(),
            ttl: Duration::from_secs(3600),
            capacity_bytes: 1 << 20,
            store: crate::config::Store::Moka,
            account: Account::open().unwrap(),
        });
        let time = Timestamp::now();
        let origin = Origin { partition: 0, offset: 0, time };
        for number in 0..entries {
            let expiry = table.expiry_of(time, time);
            let (key, fields) = (format!("key-{number}"), FieldsBuffer::default());
            let key = KeyRef::new(&key).unwrap();
            table.insert(Draft::new(key, origin, expiry, &fields), time);
        }
        Arc::new(table)
    }

    /// A partition of its that says to have stored so many.
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
        let books = Books::new(vec![table(7)], || vec![partition(7)]);
        assert_eq!(books.close().mismatch_count, 0);
    }

    #[test]
    fn a_table_that_holds_other_than_its_partition_stored_does_not() {
        let books = Books::new(vec![table(7)], || vec![partition(8)]);
        assert_eq!(books.check().mismatch_count, 0, "it may be passing");
        assert_eq!(books.close().mismatch_count, 1);
        assert_eq!(books.close().mismatch_count, 1);
    }

    #[test]
    fn a_table_with_a_record_in_hand_is_not_compared() {
        let in_hand = || vec![PartitionStats { is_settled: false, ..partition(8) }];
        assert_eq!(Books::new(vec![table(7)], in_hand).close().mismatch_count, 0);
    }
}
