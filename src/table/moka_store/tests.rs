//! What is moka's own: it evicts by use, its weights settle, and what is kept free is no entry.

use super::*;
use crate::table::tests::{in_an_hour, record};
use crate::table::{MIN_CAPACITY_BYTES, max_entry_bytes};

const DELETED: Ghost = Ghost::Deleted { partition: 0, offset: 11 };
const MIB: u64 = 1 << 20;

fn store(capacity_bytes: u64) -> MokaStore {
    MokaStore::new(capacity_bytes, GhostEntries::new(MIB), Account::open().unwrap())
}

fn put(store: &MokaStore, key: &str, text: &str) {
    store.insert(record(key, text, in_an_hour()).draft(), Timestamp::now());
}

fn is_there(store: &MokaStore, key: &str) -> bool {
    let mut is_there = false;
    store.read(key, &mut |_| is_there = true);
    is_there
}

fn walked_count(store: &MokaStore) -> u64 {
    let mut count = 0;
    store.walk(&mut |_, _| count += 1);
    count
}

/// moka's own accounts are right in the end.
fn assert_settled(store: &MokaStore) {
    store.settle();
    assert_eq!(store.settled_bytes(), store.ledger().weight_bytes);
}

#[test]
fn a_replacement_that_is_removed_at_once_leaves_no_weight_behind() {
    let store = store(MIN_CAPACITY_BYTES);
    for n in 0..2_000 {
        let (before, after) = if n % 2 == 0 { (10, 900) } else { (900, 10) };
        let key = format!("key-{n}");
        put(&store, &key, &"x".repeat(before));
        store.settle();
        put(&store, &key, &"x".repeat(after));
        store.remove(&key, DELETED);
        put(&store, &format!("kept-{}", n % 50), "text");
    }
    assert_settled(&store);
}

#[test]
fn entries_that_readers_sweep_leave_no_weight_behind() {
    let store = store(MIN_CAPACITY_BYTES);
    for n in 0..2_000 {
        let (before, after) = if n % 2 == 0 { (10, 900) } else { (900, 10) };
        let key = format!("key-{n}");
        let soon = Timestamp::now().plus(Duration::from_millis(1));
        store.insert(record(&key, &"x".repeat(before), soon).draft(), Timestamp::now());
        store.insert(record(&key, &"x".repeat(after), soon).draft(), Timestamp::now());
        while Timestamp::now() < soon {
            std::thread::yield_now();
        }
        store.miss_reason(&key, Timestamp::now());
    }
    assert_settled(&store);
}

#[test]
fn a_lower_level_evicts_the_least_recently_used() {
    let store = store(MIB);
    let key = |number: u32| format!("key-{number:06}");
    let held =
        |numbers: std::ops::Range<u32>| numbers.filter(|&n| is_there(&store, &key(n))).count();
    (0..400).for_each(|number| put(&store, &key(number), &"x".repeat(1_000)));
    assert_eq!(held(0..50), 50);
    store.settle();

    store.set_level(MIB, MIB / 2);
    let weight_bytes = store.ledger().weight_bytes;
    assert!(weight_bytes <= MIB / 2 && weight_bytes > MIB / 2 - 3 * max_entry_bytes(MIB));
    assert_eq!(held(0..50), 50, "what was read just now stays");
    assert_eq!(held(350..400), 50, "and so does what was written just now");
    assert_eq!(held(50..100), 0, "what was neither leaves");
}

#[test]
fn what_is_kept_free_is_never_seen_as_an_entry() {
    let store = store(MIB);
    (0..10).for_each(|number| put(&store, &format!("key-{number}"), "text"));
    let weight_bytes = store.ledger().weight_bytes;
    for level_bytes in [MIB / 4, MIB, MIB / 2] {
        store.set_level(MIB, level_bytes);
        assert!(!is_there(&store, ""));
        store.remove("", DELETED);
        let counts = store.counts();
        let [entries, removed] = [counts.entry_count(), counts.removals.total()];
        assert_eq!((entries, counts.stored_count, removed), (10, 10, 0));
        assert_eq!(store.ledger().weight_bytes, weight_bytes);
        assert_eq!(walked_count(&store), 10);
        assert_settled(&store);
    }
}
