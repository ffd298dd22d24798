//! What a table promises, whatever its store: the tests beside this file run over every store.

mod bounds;
mod changes;
mod explained;
mod life;
mod limits;
mod misses;
mod newer;
mod scans;

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use super::*;
use crate::config::Store::{Compact, Moka};
use crate::record::{Entry, FieldsBuffer, Key, KeyRef, Origin, Recency, Record, Value};

/// Defines a test for each function and each kind of store, which the function takes.
macro_rules! over_every_store {
    ($($behaviour:ident)*) => {
        mod moka {
            $(#[test]
            fn $behaviour() {
                super::$behaviour(super::Moka);
            })*
        }
        mod compact {
            $(#[test]
            fn $behaviour() {
                super::$behaviour(super::Compact);
            })*
        }
    };
}
use over_every_store;

const DELETED: Ghost = Ghost { cause: GhostCause::Deleted, recency: recency(0, 11) };
const HOUR: Duration = Duration::from_secs(3600);
const MIB: u64 = 1 << 20;

pub(super) fn table(store: config::Store, capacity_bytes: u64) -> Table {
    ranked_table(store, capacity_bytes, RankedBy::Time)
}

fn ranked_table(store: config::Store, capacity_bytes: u64, ranked_by: RankedBy) -> Table {
    Table::new(spec(store, capacity_bytes, ranked_by))
}

/// A table that keeps enough changes for any test.
fn watched_table(store: config::Store, capacity_bytes: u64) -> Table {
    let spec = spec(store, capacity_bytes, RankedBy::Time);
    Table::new(Spec { changes_bytes: 256 << 20, ..spec })
}

fn spec(store: config::Store, capacity_bytes: u64, ranked_by: RankedBy) -> Spec {
    Spec {
        name: "services".into(),
        fields: vec!["description".into()],
        ttl: HOUR,
        ranked_by,
        capacity_bytes,
        store,
        changes_bytes: 0,
        account: Account::open().unwrap(),
        clock: Clock::start(),
    }
}

const RECORD_TIME: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The recency of a record of the time that all records have.
pub(super) const fn recency(partition: i32, offset: i64) -> Recency {
    Recency { rank: RECORD_TIME.as_millis(), partition, offset }
}

/// A record with the same origin as every other, so none is older than another.
pub(super) fn record(key: &str, text: &str, expires_at: Timestamp) -> Record {
    record_at(recency(0, 7), key, text, expires_at)
}

/// A record that comes from there.
pub(super) fn record_at(at: Recency, key: &str, text: &str, expires_at: Timestamp) -> Record {
    let mut fields = FieldsBuffer::default();
    fields.push(Some(Value::Text(text)));
    let origin = Origin { partition: at.partition, offset: at.offset, time: RECORD_TIME };
    let draft = Draft::new(KeyRef::new(key).unwrap(), origin, expires_at, &fields);
    draft.ranked(at.rank).copy()
}

pub(super) fn put(table: &Table, key: &str, text: &str, expires_at: Timestamp) -> Inserted {
    table.insert(record(key, text, expires_at).draft(), Timestamp::now())
}

/// The live entry of a key, copied. Counts a hit or a miss.
fn get(table: &Table, key: &str, now: Timestamp) -> Option<Entry> {
    table.get(key, now, |entry| entry.copy())
}

pub(super) fn is_there(table: &Table, key: &str) -> bool {
    table.peek(key, Timestamp::now(), |_| ()).is_some()
}

/// What a table weighs without its ghost entries.
pub(super) fn entries_bytes(table: &Table) -> u64 {
    let stats = table.stats();
    stats.weight_bytes - stats.ghost_bytes
}

pub(super) fn in_an_hour() -> Timestamp {
    Timestamp::now().plus(HOUR)
}

fn text_of(entry: &Entry) -> String {
    match entry.view().values().next().unwrap() {
        Some(Value::Text(text)) => text.to_owned(),
        other => panic!("expected text, found {other:?}"),
    }
}

fn walked(table: &Table) -> (u64, u64) {
    let (mut count, mut bytes) = (0, 0);
    table.store.walk(&mut |key, entry| {
        count += 1;
        bytes += table.store.weigh(key, &entry).total_bytes();
    });
    (count, bytes)
}

pub(super) fn assert_counts_balance(table: &Table) {
    wait_until_swept(table);
    let stats = table.stats();
    assert_eq!(stats.stored_count - stats.removals.total(), stats.entry_count);
    let (count, bytes) = walked(table);
    assert_eq!(stats.entry_count, count, "{stats:?}");
    match table.spec.store {
        Moka => assert_eq!(entries_bytes(table), bytes),
        // Unused and dead room, and the index, are part of what it weighs.
        Compact => assert!(bytes <= entries_bytes(table) + count * 8, "{bytes} of {stats:?}"),
    }
}

/// A walk may leave out expired entries, which count until they are removed.
fn wait_until_swept(table: &Table) {
    let start = Instant::now();
    let is_swept = || table.stats().entry_count == walked(table).0;
    while !is_swept() && start.elapsed() < Duration::from_secs(30) {
        table.maintain();
        thread::yield_now();
    }
}

/// Maintains a table until it has no more entries than that.
fn maintain_down_to(table: &Table, entries: u64) {
    while table.stats().entry_count > entries {
        table.maintain();
        thread::yield_now();
    }
}
