//! What the tables are held to: their capacities, or less where memory is short.

use std::sync::Arc;

use crate::table::{Table, TableStats};

/// The tables and the level of each, in the order of the configuration.
pub(super) struct Levels {
    tables: Vec<Level>,
}

struct Level {
    table: Arc<Table>,
    capacity_bytes: u64,
    bytes: u64,
}

/// A lowered level rises by this part of the capacity with each step.
const STEP_PART: u64 = 400;

impl Levels {
    pub(super) fn at_capacity(tables: Vec<Arc<Table>>) -> Self {
        let level = |table: Arc<Table>| {
            let capacity_bytes = table.stats().capacity_bytes;
            Level { table, capacity_bytes, bytes: capacity_bytes }
        };
        Self { tables: tables.into_iter().map(level).collect() }
    }

    /// Takes new capacities, in order. A level that was lowered stays as it is, if it fits.
    pub(super) fn set_capacities(&mut self, capacities: impl Iterator<Item = u64>) {
        for (level, capacity_bytes) in self.tables.iter_mut().zip(capacities) {
            let is_lowered = level.bytes < level.capacity_bytes;
            level.capacity_bytes = capacity_bytes;
            level.set(if is_lowered { level.bytes.min(capacity_bytes) } else { capacity_bytes });
        }
    }

    /// Makes the tables let go of so many bytes, each in proportion to what it holds.
    pub(super) fn lower_by(&mut self, bytes: u64) {
        let stats: Vec<_> = self.tables.iter().map(|level| level.table.stats()).collect();
        let all_bytes: u64 = stats.iter().map(|stats| stats.weight_bytes).sum();
        for (level, TableStats { weight_bytes, .. }) in self.tables.iter_mut().zip(stats) {
            let share = u128::from(bytes) * u128::from(weight_bytes) / u128::from(all_bytes.max(1));
            let share = u64::try_from(share).unwrap_or(u64::MAX);
            level.set(level.bytes.min(weight_bytes.saturating_sub(share)));
        }
    }

    /// Lets lowered levels rise by a step, up to the capacities.
    pub(super) fn raise(&mut self) {
        for level in self.tables.iter_mut().filter(|level| level.bytes < level.capacity_bytes) {
            let raised = level.bytes + level.capacity_bytes / STEP_PART + 1;
            level.set(raised.min(level.capacity_bytes));
        }
    }
}

impl Level {
    fn set(&mut self, bytes: u64) {
        self.table.set_level(self.capacity_bytes, bytes);
        // As the table took it: a level too low for its largest entry is raised.
        self.bytes = self.table.stats().level_bytes;
    }
}
