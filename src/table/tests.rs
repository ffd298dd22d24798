//! What a table promises, whatever its store.

mod absence;
mod explained;
mod level;

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use super::*;
use crate::record::{FieldsBuffer, Key, Origin, Value};

const DELETED: Gone = Gone::Deleted { partition: 0, offset: 11 };
const HOUR: Duration = Duration::from_secs(3600);

fn table(capacity_bytes: u64) -> Table {
    Table::new(Spec {
        name: "services".into(),
        fields: vec!["description".into()],
        ttl: HOUR,
        capacity_bytes,
        account: Account::open().unwrap(),
    })
}

fn record(key: &str, text: &str, expires_at: Timestamp) -> Record {
    let mut fields = FieldsBuffer::default();
    fields.push(Some(Value::Text(text)));
    let time = Timestamp::from_millis(1_700_000_000_000);
    let origin = Origin { partition: 0, offset: 7, time };
    Record { key: Key::copy_of(key).unwrap(), entry: Entry::copy_of(origin, expires_at, &fields) }
}

/// What the entries of a table weigh, without the memory of keys that are gone.
fn entries_bytes(table: &Table) -> u64 {
    let stats = table.stats();
    stats.weight_bytes - stats.gone_bytes
}

fn in_an_hour() -> Timestamp {
    Timestamp::now().plus(HOUR)
}

fn text_of(entry: &Entry) -> String {
    match entry.values().next().unwrap() {
        Some(Value::Text(text)) => text.to_owned(),
        other => panic!("expected text, found {other:?}"),
    }
}

fn assert_books_balance(table: &Table) {
    wait_until_swept(table);
    let stats = table.stats();
    assert_eq!(stats.stored_count - stats.removals.total(), stats.entry_count);
    assert_eq!(stats.entry_count, table.store.walk().count() as u64, "{stats:?}");
    let weight: u64 = table
        .store
        .walk()
        .map(|(slot, entry)| weight::weigh(slot.key().unwrap().as_str(), &entry))
        .sum();
    assert_eq!(stats.weight_bytes, weight + stats.gone_bytes);
}

/// A walk shows no expired entry, and the books hold them until they are swept.
fn wait_until_swept(table: &Table) {
    let start = Instant::now();
    let is_swept = || table.stats().entry_count == table.store.walk().count() as u64;
    while !is_swept() && start.elapsed() < Duration::from_secs(30) {
        table.maintain();
        thread::yield_now();
    }
}

#[test]
fn a_stored_record_is_readable_at_once() {
    let table = table(MIN_CAPACITY_BYTES);
    assert_eq!(table.insert(record("a", "first", in_an_hour())), Inserted::New);
    assert_eq!(text_of(&table.get("a", Timestamp::now()).unwrap()), "first");
    assert!(table.get("b", Timestamp::now()).is_none());
    let stats = table.stats();
    assert_eq!((stats.hit_count, stats.miss_count), (1, 1));
    assert_books_balance(&table);
}

#[test]
fn a_newer_record_replaces_the_entry_and_its_weight() {
    let table = table(MIN_CAPACITY_BYTES);
    table.insert(record("a", &"long ".repeat(100), in_an_hour()));
    assert_eq!(table.insert(record("a", "short", in_an_hour())), Inserted::Replaced);
    assert_eq!(text_of(&table.get("a", Timestamp::now()).unwrap()), "short");
    let stats = table.stats();
    assert_eq!(stats.removals.count(Removal::Replaced), 1);
    assert_eq!(stats.entry_count, 1);
    assert_books_balance(&table);
}

#[test]
fn a_lookup_finds_a_key_at_every_moment_at_which_it_is_replaced() {
    let table = table(1 << 20);
    table.insert(record("a", "first", in_an_hour()));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut lookups = 0_u64;
            while !done.load(Ordering::Relaxed) {
                assert!(table.get("a", Timestamp::now()).is_some(), "after {lookups} lookups");
                lookups += 1;
            }
        });
        for _ in 0..20_000 {
            table.insert(record("a", "next", in_an_hour()));
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(table.stats().removals.count(Removal::Replaced), 20_000);
    assert_books_balance(&table);
}

#[test]
fn a_removed_key_is_absent_and_counted_as_deleted() {
    let table = table(MIN_CAPACITY_BYTES);
    table.insert(record("a", "first", in_an_hour()));
    table.remove("a", DELETED);
    table.remove("never there", DELETED);
    assert!(table.get("a", Timestamp::now()).is_none());
    assert_eq!(table.stats().removals.count(Removal::Deleted), 1);
    assert_books_balance(&table);
}

#[test]
fn no_read_returns_an_entry_past_its_expiry_though_it_is_not_swept() {
    let table = table(MIN_CAPACITY_BYTES);
    let expiry = in_an_hour();
    table.insert(record("a", "first", expiry));
    assert!(table.get("a", Timestamp::from_millis(expiry.as_millis() - 1)).is_some());
    assert!(table.get("a", expiry).is_none());
    assert_eq!(table.stats().entry_count, 1, "it is not swept");
}

#[test]
fn an_expired_entry_is_swept_and_counted_as_expired() {
    let table = table(MIN_CAPACITY_BYTES);
    table.insert(record("a", "first", Timestamp::now().plus(Duration::from_millis(1))));
    while table.stats().entry_count > 0 {
        table.maintain();
        thread::yield_now();
    }
    let stats = table.stats();
    assert_eq!(stats.removals.count(Removal::Expired), 1);
    assert_eq!(stats.weight_bytes, stats.gone_bytes);
}

#[test]
fn a_replacement_lives_its_own_time_and_not_what_was_left_of_the_old_ones() {
    let table = table(MIN_CAPACITY_BYTES);
    let soon = Timestamp::now().plus(Duration::from_millis(20));
    table.insert(record("a", "first", soon));
    table.insert(record("a", "second", in_an_hour()));
    while Timestamp::now() <= soon.plus(Duration::from_millis(20)) {
        table.maintain();
        thread::yield_now();
    }
    assert!(table.get("a", Timestamp::now()).is_some());
}

#[test]
fn a_time_in_the_future_counts_as_now() {
    let table = table(MIN_CAPACITY_BYTES);
    let now = Timestamp::from_millis(1_000_000);
    assert_eq!(table.expiry_of(now.plus(HOUR), now), now.plus(HOUR));
    assert_eq!(table.expiry_of(now.minus(HOUR), now), now);
}

#[test]
fn a_full_table_admits_the_newest_record() {
    let table = table(MIN_CAPACITY_BYTES);
    for n in 0..10_000 {
        let key = format!("key-{n}");
        table.insert(record(&key, "some text", in_an_hour()));
        assert!(table.get(&key, Timestamp::now()).is_some(), "{key} was turned away");
        let stats = table.stats();
        assert!(stats.weight_bytes <= stats.capacity_bytes, "{stats:?}");
    }
    assert!(table.stats().removals.count(Removal::Evicted) > 9_000);
    assert_books_balance(&table);
}

#[test]
fn keys_that_were_read_do_not_keep_new_ones_out() {
    let table = table(MIN_CAPACITY_BYTES);
    for n in 0..100 {
        table.insert(record(&format!("old-{n}"), "text", in_an_hour()));
    }
    for _ in 0..20 {
        (0..100).for_each(|n| drop(table.get(&format!("old-{n}"), Timestamp::now())));
        table.maintain();
    }
    for n in 0..100 {
        table.insert(record(&format!("new-{n}"), "text", in_an_hour()));
    }
    table.maintain();
    let found = (0..100).filter(|n| table.get(&format!("new-{n}"), Timestamp::now()).is_some());
    assert_eq!(found.count(), 100);
}

#[test]
fn a_replacement_that_is_removed_at_once_leaves_no_weight_behind() {
    let table = table(MIN_CAPACITY_BYTES);
    for n in 0..2_000 {
        let (before, after) = if n % 2 == 0 { (10, 900) } else { (900, 10) };
        let key = format!("key-{n}");
        table.insert(record(&key, &"x".repeat(before), in_an_hour()));
        table.maintain();
        table.insert(record(&key, &"x".repeat(after), in_an_hour()));
        table.remove(&key, DELETED);
        table.insert(record(&format!("kept-{}", n % 50), "text", in_an_hour()));
    }
    table.maintain();
    let stats = table.stats();
    assert_eq!(table.store.settled_bytes(), stats.weight_bytes - stats.gone_bytes);
    assert_books_balance(&table);
}

#[test]
fn an_entry_larger_than_the_table_takes_is_refused_and_removes_the_older_one() {
    let table = table(MIN_CAPACITY_BYTES);
    table.insert(record("a", "small", in_an_hour()));
    let giant = "x".repeat(usize::try_from(max_entry_bytes(MIN_CAPACITY_BYTES)).unwrap());
    assert_eq!(table.insert(record("a", &giant, in_an_hour())), Inserted::TooLarge);
    assert!(table.get("a", Timestamp::now()).is_none());
    assert_books_balance(&table);
}

#[test]
fn the_books_balance_and_the_capacity_holds_under_many_writers() {
    let table = table(MIN_CAPACITY_BYTES * 2);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..4_usize {
            let (table, over) = (&table, &over);
            scope.spawn(move || {
                for n in 0..5_000_usize {
                    let key = format!("key-{}", (n * 7 + writer) % 900);
                    match n % 11 {
                        0 => table.remove(&key, DELETED),
                        1 => drop(table.insert(record(&key, "brief", Timestamp::now()))),
                        _ => drop(table.insert(record(&key, &"x".repeat(n % 500), in_an_hour()))),
                    }
                    if table.stats().weight_bytes > table.spec.capacity_bytes {
                        over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(!over.load(Ordering::Relaxed), "the table was over its capacity");
    table.maintain();
    assert_books_balance(&table);
}

#[test]
fn the_maintenance_thread_sweeps_without_anyone_asking() {
    let table = std::sync::Arc::new(table(MIN_CAPACITY_BYTES));
    let maintenance = Maintenance::spawn(vec![table.clone()], table.account()).unwrap();
    table.insert(record("a", "first", Timestamp::now().plus(Duration::from_millis(1))));
    while table.stats().entry_count > 0 {
        thread::yield_now();
    }
    drop(maintenance);
}
