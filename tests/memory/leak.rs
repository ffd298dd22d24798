//! A leaking store is visible in the census, and the reclaim report names its table.

use std::cell::RefCell;

use millpond::config::Store;
use millpond::heap;
use millpond::memory::{Accounts, ExpectedBytes, MemoryType, ReclaimReport};
use millpond::record::{Entry, EntryView, Timestamp};
use millpond::table::Table;

use crate::records::{Writer, table};
use crate::{MIB, turn};

/// A store that leaks: it keeps a copy of each replaced entry, which the table's weight leaves out.
struct LeakyStore<'a> {
    table: &'a Table,
    leaked: RefCell<Vec<Entry>>,
}

impl LeakyStore<'_> {
    fn store(&self, writer: &Writer<'_>, number: u64) {
        let key = format!("key-{number:08}");
        let copy = |entry: EntryView<'_>| self.table.account().charge(|| entry.copy());
        self.leaked.borrow_mut().extend(self.table.peek(&key, Timestamp::now(), copy));
        writer.store(number);
    }
}

over_every_store! { a_reclaim_report_names_the_table_that_leaks_and_no_other }

fn a_reclaim_report_names_the_table_that_leaks_and_no_other(store: Store) {
    let (_turn, _account) = turn();
    let accounts = Accounts::open(["leaky", "sound"]).unwrap();
    let mut of_tables = accounts.tables();
    let leaky = table(store, of_tables.next().unwrap(), 64 * MIB);
    let sound = table(store, of_tables.next().unwrap(), 64 * MIB);
    let text = "x".repeat(1_000);
    let (to_leaky, to_sound) = (Writer::new(&leaky, &text), Writer::new(&sound, &text));
    let leak = LeakyStore { table: &leaky, leaked: RefCell::default() };
    for number in 0..40_000 {
        leak.store(&to_leaky, number % 10_000);
        to_sound.store(number % 10_000);
    }

    let report = reclaim(&accounts, [("leaky", &leaky), ("sound", &sound)]);
    assert!(report.has_unexplained());
    let texts: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert!(texts[0].starts_with("table leaky: ") && texts[0].contains("unexplained"), "{texts:?}");
    assert!(texts[1].starts_with("table sound: ") && texts[1].contains("accounted"), "{texts:?}");

    leak.leaked.take();
    let report = reclaim(&accounts, [("leaky", &leaky), ("sound", &sound)]);
    assert!(!report.has_unexplained(), "{report:?}");
}

fn reclaim(accounts: &Accounts, tables: [(&str, &Table); 2]) -> ReclaimReport {
    let before = accounts.census();
    for (_, table) in tables {
        table.maintain();
    }
    heap::flush_thread_cache();
    heap::purge();
    let expected = tables.map(|(name, table)| ExpectedBytes {
        memory_type: MemoryType::Table(name.into()),
        bytes: table.weight_bytes(),
    });
    ReclaimReport::compare(&before, &accounts.census(), &expected)
}
