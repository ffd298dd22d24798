//! The limits of the tables: their capacities, or less while memory is short.
//!
//! The governor decides when limits fall and rise; each table enforces its own limit.

use std::sync::Arc;

use crate::table::Table;

/// All tables with their limits, in the order of the configuration.
pub(super) struct TableLimits {
    tables: Vec<TableLimit>,
}

struct TableLimit {
    table: Arc<Table>,
    capacity_bytes: u64,
    limit_bytes: u64,
}

/// A lowered limit rises by the capacity divided by this in each step.
const STEP_DIVISOR: u64 = 400;

impl TableLimits {
    /// Limits that are the tables' capacities.
    pub(super) fn at_capacity(tables: Vec<Arc<Table>>) -> Self {
        let at_capacity = |table: Arc<Table>| {
            let capacity_bytes = table.capacity_bytes();
            TableLimit { table, capacity_bytes, limit_bytes: capacity_bytes }
        };
        Self { tables: tables.into_iter().map(at_capacity).collect() }
    }

    /// Sets new capacities, in order. A lowered limit stays where it is, if it fits.
    pub(super) fn set_capacities(&mut self, capacities: impl Iterator<Item = u64>) {
        for (limit, capacity_bytes) in self.tables.iter_mut().zip(capacities) {
            let is_lowered = limit.is_lowered();
            limit.capacity_bytes = capacity_bytes;
            let limit_bytes = if is_lowered { limit.limit_bytes } else { capacity_bytes };
            limit.set(limit_bytes.min(capacity_bytes));
        }
    }

    /// Makes the tables evict this many bytes, each in proportion to its weight.
    pub(super) fn lower_by(&mut self, bytes: u64) {
        let weights: Vec<_> = self.tables.iter().map(|limit| limit.table.weight_bytes()).collect();
        let total_bytes: u64 = weights.iter().sum();
        for (limit, weight_bytes) in self.tables.iter_mut().zip(weights) {
            let share =
                u128::from(bytes) * u128::from(weight_bytes) / u128::from(total_bytes.max(1));
            let share = u64::try_from(share).unwrap_or(u64::MAX);
            limit.set(limit.limit_bytes.min(weight_bytes.saturating_sub(share)));
        }
    }

    /// Raises the lowered limits by one step, at most to the capacities.
    pub(super) fn raise(&mut self) {
        for limit in self.tables.iter_mut().filter(|limit| limit.is_lowered()) {
            let raised = limit.limit_bytes + limit.capacity_bytes / STEP_DIVISOR + 1;
            limit.set(raised.min(limit.capacity_bytes));
        }
    }
}

impl TableLimit {
    fn is_lowered(&self) -> bool {
        self.limit_bytes < self.capacity_bytes
    }

    fn set(&mut self, limit_bytes: u64) {
        self.table.set_limits(self.capacity_bytes, limit_bytes);
        // Read back: the table raises a limit that is too low for its largest entry.
        self.limit_bytes = self.table.limit_bytes();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::heap::Account;
    use crate::record::{Draft, FieldsBuffer, KeyRef, Origin, RankedBy, Timestamp, Value};
    use crate::table::{Spec, max_entry_bytes};

    const MIB: u64 = 1 << 20;
    const HOUR: Duration = Duration::from_secs(3600);

    /// A table of 1 MiB with this number of entries of a little over 1 KiB.
    fn table(entries: u32) -> Arc<Table> {
        let table = Table::new(Spec {
            name: "services".into(),
            fields: vec!["description".into()],
            ttl: HOUR,
            ranked_by: RankedBy::Time,
            capacity_bytes: MIB,
            store: crate::config::Store::Moka,
            changes_bytes: 0,
            account: Account::open().unwrap(),
            clock: Clock::start(),
        });
        let mut fields = FieldsBuffer::default();
        fields.push(Some(Value::Text(&"x".repeat(1_000))));
        let time = Timestamp::now();
        let origin = Origin { partition: 0, offset: 0, time };
        for number in 0..entries {
            let key = format!("key-{number:06}");
            let key = KeyRef::new(&key).unwrap();
            table.insert(Draft::new(key, origin, time.plus(HOUR), &fields), time);
        }
        Arc::new(table)
    }

    fn limits(tables: &[&Arc<Table>]) -> TableLimits {
        TableLimits::at_capacity(tables.iter().map(|&table| Arc::clone(table)).collect())
    }

    fn limit_and_capacity(table: &Table) -> (u64, u64) {
        (table.limit_bytes(), table.capacity_bytes())
    }

    #[test]
    fn tables_evict_in_proportion_to_their_weight() {
        let (much, little) = (table(400), table(200));
        let (much_bytes, little_bytes) = (much.weight_bytes(), little.weight_bytes());
        let share = |bytes: u64| 90_000 * bytes / (much_bytes + little_bytes);
        assert!(share(much_bytes) > 58_000 && share(little_bytes) > 29_000);
        limits(&[&much, &little]).lower_by(90_000);
        assert_eq!(limit_and_capacity(&much), (much_bytes - share(much_bytes), MIB));
        assert_eq!(limit_and_capacity(&little), (little_bytes - share(little_bytes), MIB));
        for table in [much, little] {
            assert!(table.weight_bytes() <= table.limit_bytes());
        }
    }

    #[test]
    fn a_lowered_limit_stays_at_the_least_that_a_table_works_with() {
        let (full, empty) = (table(400), table(0));
        let mut limits = limits(&[&full, &empty]);
        limits.lower_by(u64::MAX);
        let ghost_bytes = full.stats().ghost_bytes;
        let least = (2 * max_entry_bytes(MIB - ghost_bytes) + ghost_bytes, MIB);
        assert_eq!((limit_and_capacity(&full), limit_and_capacity(&empty)), (least, least));
        limits.lower_by(0);
        assert_eq!((limit_and_capacity(&full), limit_and_capacity(&empty)), (least, least));
    }

    #[test]
    fn a_lowered_limit_rises_in_steps_up_to_the_capacity() {
        let table = table(400);
        let mut limits = limits(&[&table]);
        limits.lower_by(MIB / 4);
        let (lowered, _) = limit_and_capacity(&table);
        let step = MIB / STEP_DIVISOR + 1;
        limits.raise();
        assert_eq!(limit_and_capacity(&table), (lowered + step, MIB));
        for _ in 0..(MIB - lowered) / step {
            assert!(limit_and_capacity(&table).0 < MIB);
            limits.raise();
        }
        assert_eq!(limit_and_capacity(&table), (MIB, MIB));
        limits.raise();
        assert_eq!(limit_and_capacity(&table), (MIB, MIB));
    }

    #[test]
    fn a_limit_at_the_capacity_follows_it_and_a_lowered_limit_stays_if_it_fits() {
        let (whole, lowered) = (table(0), table(400));
        let mut limits = limits(&[&whole, &lowered]);
        limits.tables[1].set(MIB / 2);
        limits.set_capacities([2 * MIB, 2 * MIB].into_iter());
        assert_eq!(limit_and_capacity(&whole), (2 * MIB, 2 * MIB));
        assert_eq!(limit_and_capacity(&lowered), (MIB / 2, 2 * MIB));

        limits.set_capacities([MIB / 4, MIB / 4].into_iter());
        assert_eq!(limit_and_capacity(&whole), (MIB / 4, MIB / 4));
        assert_eq!(limit_and_capacity(&lowered), (MIB / 4, MIB / 4));
        assert!(lowered.weight_bytes() <= MIB / 4);
    }

    #[test]
    fn a_lowered_limit_rises_to_a_capacity_that_has_grown() {
        let table = table(400);
        let mut limits = limits(&[&table]);
        limits.lower_by(MIB / 4);
        limits.set_capacities([2 * MIB].into_iter());
        (0..=STEP_DIVISOR).for_each(|_| limits.raise());
        assert_eq!(limit_and_capacity(&table), (2 * MIB, 2 * MIB));
    }
}
