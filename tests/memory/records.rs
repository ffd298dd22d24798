//! Tables, and a writer that fills them.

use std::time::Duration;

use millpond::clock::Clock;
use millpond::config::Store;
use millpond::heap::Account;
use millpond::record::{Draft, FieldsBuffer, KeyRef, Origin, RankedBy, Timestamp, Value};
use millpond::table::{Spec, Table};

/// An empty table with one field.
pub(crate) fn table(store: Store, account: &Account, capacity_bytes: u64) -> Table {
    Table::new(Spec {
        name: "services".into(),
        fields: vec!["description".into()],
        ttl: Duration::from_secs(3600),
        ranked_by: RankedBy::Time,
        capacity_bytes,
        store,
        changes_bytes: 0,
        account: account.clone(),
        clock: Clock::start(),
    })
}

/// Stores entries with one text under numbered keys, as an ingest thread does.
pub(crate) struct Writer<'a> {
    table: &'a Table,
    fields: FieldsBuffer,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(table: &'a Table, text: &str) -> Self {
        let mut fields = FieldsBuffer::default();
        fields.push(Some(Value::Text(text)));
        Self { table, fields }
    }

    pub(crate) fn store(&self, number: u64) {
        let key = format!("key-{number:08}");
        let now = Timestamp::now();
        let origin = Origin { partition: 0, offset: number.cast_signed(), time: now };
        let expires_at = now.plus(Duration::from_secs(3600));
        let key = KeyRef::new(&key).unwrap();
        self.table.insert(Draft::new(key, origin, expires_at, &self.fields), now);
    }
}
