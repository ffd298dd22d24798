//! What the tables are held to: their capacities, or less where memory is short.

use std::sync::Arc;

use crate::table::{Table, TableStats};

/// The tables and the level of each, in the order of the configuration.
pub(super) struct TableLimits {
    tables: Vec<Level>,
}

struct Level {
    table: Arc<Table>,
    capacity_bytes: u64,
    bytes: u64,
}

/// A lowered level rises by this part of the capacity with each step.
const STEP_PART: u64 = 400;

impl TableLimits {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::heap::Account;
    use crate::record::{Draft, FieldsBuffer, KeyRef, Origin, Timestamp, Value};
    use crate::table::{Spec, max_entry_bytes};

    const MIB: u64 = 1 << 20;
    const HOUR: Duration = Duration::from_secs(3600);

    /// A table of a MiB with so many entries of a little over a KiB.
    fn table(entries: u32) -> Arc<Table> {
        let table = Table::new(Spec {
            name: "services".into(),
            fields: vec!["description".into()],
            ttl: HOUR,
            capacity_bytes: MIB,
            store: crate::config::Store::Moka,
            account: Account::open().unwrap(),
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

    fn levels(tables: &[&Arc<Table>]) -> TableLimits {
        TableLimits::at_capacity(tables.iter().map(|&table| Arc::clone(table)).collect())
    }

    fn held_to(table: &Table) -> (u64, u64) {
        let stats = table.stats();
        (stats.level_bytes, stats.capacity_bytes)
    }

    #[test]
    fn tables_let_go_in_proportion_to_what_they_hold() {
        let (much, little) = (table(400), table(200));
        let (much_bytes, little_bytes) = (much.stats().weight_bytes, little.stats().weight_bytes);
        let share = |bytes: u64| 90_000 * bytes / (much_bytes + little_bytes);
        assert!(share(much_bytes) > 58_000 && share(little_bytes) > 29_000);
        levels(&[&much, &little]).lower_by(90_000);
        assert_eq!(held_to(&much), (much_bytes - share(much_bytes), MIB));
        assert_eq!(held_to(&little), (little_bytes - share(little_bytes), MIB));
        for table in [much, little] {
            assert!(table.stats().weight_bytes <= table.stats().level_bytes);
        }
    }

    #[test]
    fn a_level_goes_no_lower_than_the_table_works_with_and_no_higher_by_being_lowered() {
        let (full, empty) = (table(400), table(0));
        let mut levels = levels(&[&full, &empty]);
        let ghost_bytes = full.stats().ghost_bytes;
        let least = (2 * max_entry_bytes(MIB - ghost_bytes) + ghost_bytes, MIB);
        levels.lower_by(u64::MAX);
        assert_eq!((held_to(&full), held_to(&empty)), (least, least));
        levels.lower_by(0);
        assert_eq!((held_to(&full), held_to(&empty)), (least, least));
    }

    #[test]
    fn a_lowered_level_rises_in_steps_up_to_the_capacity() {
        let table = table(400);
        let mut levels = levels(&[&table]);
        levels.lower_by(MIB / 4);
        let (lowered, _) = held_to(&table);
        let step = MIB / STEP_PART + 1;
        levels.raise();
        assert_eq!(held_to(&table), (lowered + step, MIB));
        for _ in 0..(MIB - lowered) / step {
            assert!(held_to(&table).0 < MIB);
            levels.raise();
        }
        assert_eq!(held_to(&table), (MIB, MIB));
        levels.raise();
        assert_eq!(held_to(&table), (MIB, MIB));
    }

    #[test]
    fn a_level_at_its_capacity_goes_with_it_and_a_lowered_one_as_far_as_it_fits() {
        let (whole, lowered) = (table(0), table(400));
        let mut levels = levels(&[&whole, &lowered]);
        levels.tables[1].set(MIB / 2);
        levels.set_capacities([2 * MIB, 2 * MIB].into_iter());
        assert_eq!(held_to(&whole), (2 * MIB, 2 * MIB));
        assert_eq!(held_to(&lowered), (MIB / 2, 2 * MIB));

        levels.set_capacities([MIB / 4, MIB / 4].into_iter());
        assert_eq!(held_to(&whole), (MIB / 4, MIB / 4));
        assert_eq!(held_to(&lowered), (MIB / 4, MIB / 4));
        assert!(lowered.stats().weight_bytes <= MIB / 4);
    }

    #[test]
    fn a_lowered_level_rises_to_a_capacity_that_has_grown() {
        let table = table(400);
        let mut levels = levels(&[&table]);
        levels.lower_by(MIB / 4);
        levels.set_capacities([2 * MIB].into_iter());
        (0..=STEP_PART).for_each(|_| levels.raise());
        assert_eq!(held_to(&table), (2 * MIB, 2 * MIB));
    }
}
