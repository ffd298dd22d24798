//! A table in this process, with the operations that the benchmarks measure.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use millpond::clock::Clock;
use millpond::config::Store;
use millpond::heap::Account;
use millpond::record::{Draft, FieldsBuffer, KeyRef, Origin, RankedBy, Value};
use millpond::table::{Maintenance, Spec, Table};

use crate::shape::Shape;

const AN_HOUR: Duration = Duration::from_secs(3_600);

/// A table and its maintenance.
pub struct Subject {
    table: Arc<Table>,
    _maintenance: Maintenance,
    fields: FieldsBuffer,
    shape: Shape,
}

impl Subject {
    /// An empty table over the store of this name.
    pub fn open(store: &str, shape: Shape, capacity_bytes: u64) -> anyhow::Result<Self> {
        let store = match store {
            "moka" => Store::Moka,
            "compact" => Store::Compact,
            other => bail!("there is no store {other}: use moka or compact"),
        };
        let table = Arc::new(Table::new(Spec {
            name: "services".into(),
            fields: vec!["description".into()],
            ttl: AN_HOUR,
            ranked_by: RankedBy::Time,
            capacity_bytes,
            store,
            changes_bytes: 0,
            account: Account::open()?,
            clock: Clock::start(),
        }));
        let maintenance = Maintenance::spawn(vec![Arc::clone(&table)], &Account::open()?)?;
        Ok(Self { table, _maintenance: maintenance, fields: FieldsBuffer::default(), shape })
    }

    /// Stores a record from a draft, as after plucking.
    pub fn insert(&mut self, number: u64) {
        let (key, now) = (self.shape.key(number), self.table.now());
        self.fields.clear();
        self.fields.push(Some(Value::Text(&self.shape.value(number))));
        let origin = Origin { partition: 0, offset: number.cast_signed(), time: now };
        if let Some(key) = KeyRef::new(&key) {
            let draft = Draft::new(key, origin, now.plus(AN_HOUR), &self.fields);
            self.table.insert(draft, now);
        }
    }

    /// Looks up a key. Returns whether the table has it.
    pub fn has(&self, number: u64) -> bool {
        self.table.get(&self.shape.key(number), self.table.now(), |_| ()).is_some()
    }

    /// Runs the maintenance that is due.
    pub fn settle(&self) {
        self.table.maintain();
    }

    /// The number of entries.
    pub fn entries(&self) -> u64 {
        self.table.stats().entry_count
    }
}
