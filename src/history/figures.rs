//! The figures of one table in a snapshot, put together from its parts.

use crate::memory::MemoryType;
use crate::stats::{Outcome, Snapshot};
use crate::table::{MissKind, Removal};

/// The outcomes as the charts show them: rejected records together, whatever the reason.
pub(super) const OUTCOMES: usize = 8;

/// The figures of one table, or of several together.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    pub(super) memory_bytes: u64,
    pub(super) entry_count: u64,
    pub(super) weight_bytes: u64,
    pub(super) limit_bytes: u64,
    pub(super) hit_count: u64,
    pub(super) miss_count: u64,
    pub(super) misses: [u64; MissKind::ALL.len()],
    pub(super) removals: [u64; Removal::ALL.len()],
    pub(super) outcomes: [u64; OUTCOMES],
    /// Of the partition that has most of it.
    pub(super) lag_records: u64,
    /// None before the table was complete once.
    pub(super) staleness_seconds: Option<f64>,
    pub(super) loading_records: u64,
}

impl Figures {
    /// The figures of each table, in the order of the configuration. Those from the last of
    /// `slots` on are together.
    pub(super) fn of(snapshot: &Snapshot, slots: usize) -> Vec<Self> {
        let mut tables: Vec<_> =
            (0..snapshot.tables.len()).map(|n| of_table(snapshot, n)).collect();
        add_partitions(snapshot, &mut tables);
        let rest = tables.split_off(tables.len().min(slots));
        if let Some(last) = tables.last_mut() {
            for table in &rest {
                last.add(table);
            }
        }
        tables
    }

    fn add(&mut self, other: &Self) {
        self.memory_bytes += other.memory_bytes;
        self.entry_count += other.entry_count;
        self.weight_bytes += other.weight_bytes;
        self.limit_bytes += other.limit_bytes;
        self.hit_count += other.hit_count;
        self.miss_count += other.miss_count;
        self.misses.iter_mut().zip(other.misses).for_each(|(sum, count)| *sum += count);
        self.removals.iter_mut().zip(other.removals).for_each(|(sum, count)| *sum += count);
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(sum, count)| *sum += count);
        self.lag_records = self.lag_records.max(other.lag_records);
        // One that is not known makes the whole not known.
        let both = self.staleness_seconds.zip(other.staleness_seconds);
        self.staleness_seconds = both.map(|(one, other)| one.max(other));
        self.loading_records += other.loading_records;
    }
}

fn of_table(snapshot: &Snapshot, index: usize) -> Figures {
    let table = &snapshot.tables[index];
    let staleness = snapshot.freshness.get(index).and_then(|freshness| freshness.staleness);
    Figures {
        memory_bytes: snapshot.memory.census.bytes_of(&MemoryType::Table(table.name.clone())),
        entry_count: table.entry_count,
        weight_bytes: table.weight_bytes,
        limit_bytes: table.limit_bytes,
        hit_count: table.hit_count,
        miss_count: table.miss_count,
        misses: table.misses.map(|(_, count)| count),
        removals: Removal::ALL.map(|cause| table.removals.count(cause)),
        outcomes: [0; OUTCOMES],
        lag_records: 0,
        staleness_seconds: staleness.map(|staleness| staleness.as_secs_f64()),
        loading_records: 0,
    }
}

fn add_partitions(snapshot: &Snapshot, tables: &mut [Figures]) {
    for partition in &snapshot.partitions {
        let index = snapshot.tables.iter().position(|table| table.name == partition.table);
        let Some(table) = index.and_then(|index| tables.get_mut(index)) else { continue };
        for (outcome, count) in &partition.outcomes {
            table.outcomes[index_of(*outcome)] += count;
        }
        let lag_records = u64::try_from(partition.lag_records()).unwrap_or_default();
        table.lag_records = table.lag_records.max(lag_records);
        table.loading_records += partition.loading.map_or(0, |loading| loading.remaining_records);
    }
}

/// Where an outcome is counted: rejected ones at the last place.
fn index_of(outcome: Outcome) -> usize {
    outcome.index().min(OUTCOMES - 1)
}
