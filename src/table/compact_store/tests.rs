//! What only the compact store does: it evicts the oldest segments, compacts dead records, and
//! weighs all its memory.

mod model;

use super::*;
use crate::heap::Account;
use crate::record::Record;
use crate::table::MIN_CAPACITY_BYTES;
use crate::table::counts::Removal;
use crate::table::tests::{in_an_hour, record, record_at};

const HOUR: Duration = Duration::from_secs(3_600);
const MIB: u64 = 1 << 20;

/// A store of entries of so many bytes.
fn store(capacity_bytes: u64) -> CompactStore {
    // So many ghost entries that none is forgotten.
    let ghosts = GhostEntries::new(64 * MIB);
    let capacity_bytes = capacity_bytes + ghosts.bytes();
    CompactStore::new(
        capacity_bytes,
        HOUR,
        (ghosts, Arc::new(ChangeLog::new(0))),
        RankedBy::Time,
        Timestamp::now(),
    )
}

fn weight_bytes(store: &CompactStore) -> u64 {
    store.quota().weight_bytes() - store.quota().fixed_bytes()
}

fn limit_bytes(store: &CompactStore) -> u64 {
    store.quota().limit_bytes() - store.quota().fixed_bytes()
}

/// Sets what the entries may weigh.
fn set_limits(store: &CompactStore, capacity_bytes: u64, limit_bytes: u64, now: Timestamp) {
    let fixed_bytes = store.quota().fixed_bytes();
    store.quota().set_limits(capacity_bytes + fixed_bytes, limit_bytes + fixed_bytes);
    store.enforce_limit(now);
}

fn key(number: u64) -> String {
    format!("key-{number:06}")
}

fn put(store: &CompactStore, number: u64, text: &str) -> Inserted {
    store.insert(&record(&key(number), text, in_an_hour()).draft(), Timestamp::now())
}

fn fill(store: &CompactStore, entries: u64) {
    (0..entries).for_each(|number| assert_eq!(put(store, number, "text"), Inserted::New));
}

fn is_there(store: &CompactStore, number: u64) -> bool {
    let mut is_there = false;
    store.read(&key(number), &mut |_| is_there = true);
    is_there
}

fn evicted_count(store: &CompactStore) -> u64 {
    let removals = store.counts().removals;
    removals.count(Removal::Evicted) + removals.count(Removal::EvictedForPressure)
}

/// What the entries take, counted anew.
fn counted_bytes(store: &CompactStore) -> u64 {
    store.shards.iter().map(|shard| shard.read().bytes()).sum()
}

#[test]
fn a_full_store_evicts_the_oldest_and_keeps_the_newest() {
    let store = store(4 * MIB);
    let count = (0..200_000).find(|&number| {
        put(&store, number, "some text that is a little longer");
        evicted_count(&store) > 30_000
    });
    let count = count.unwrap() + 1;
    let held: Vec<_> = (0..count).filter(|&number| is_there(&store, number)).collect();
    let evicted = usize::try_from(evicted_count(&store)).unwrap();
    assert_eq!(held.len(), usize::try_from(count).unwrap() - evicted);
    let newest = count - held.len() as u64 * 9 / 10;
    assert!((newest..count).all(|number| is_there(&store, number)), "a newer one left");
}

#[test]
fn replaced_records_make_room_before_anything_is_evicted() {
    let store = store(4 * MIB);
    let text = "x".repeat(60);
    // Nine tenths of it, index and all.
    let count = (0..200_000).find(|&number| {
        put(&store, number, &text);
        weight_bytes(&store) > 4 * MIB * 9 / 10
    });
    let (count, mut random) = (count.unwrap() + 1, fastrand::Rng::with_seed(5));
    for _ in 0..20 * count {
        put(&store, random.u64(0..count), &text);
    }
    assert_eq!(evicted_count(&store), 0);
    assert!((0..count).all(|number| is_there(&store, number)));
    assert_eq!(counted_bytes(&store), weight_bytes(&store));
}

#[test]
fn what_replaced_records_take_is_freed_once_nobody_writes() {
    let store = store(64 * MIB);
    let (count, text, mut random) = (100_000, "x".repeat(60), fastrand::Rng::with_seed(5));
    (0..count).for_each(|number| assert_eq!(put(&store, number, &text), Inserted::New));
    let fresh_bytes = weight_bytes(&store);
    (0..count)
        .for_each(|_| assert_eq!(put(&store, random.u64(0..count), &text), Inserted::Replaced));
    assert!(weight_bytes(&store) > fresh_bytes * 108 / 100, "writers compact it all");
    // The first only takes note of the writes before it.
    for _ in 0..1_000 {
        store.maintain(Timestamp::now());
    }
    assert!(
        weight_bytes(&store) < fresh_bytes * 106 / 100,
        "{} to {fresh_bytes}",
        weight_bytes(&store)
    );
    assert!((0..count).all(|number| is_there(&store, number)));
    assert_eq!(counted_bytes(&store), weight_bytes(&store));
}

#[test]
fn a_store_of_few_entries_takes_little_whatever_its_capacity() {
    let store = store(1 << 30);
    assert!(shards_bytes(&store.shards) < MIB / 4);
    fill(&store, 100);
    assert!(weight_bytes(&store) < 200 << 10, "{:?}", store.quota());
}

#[test]
fn a_lower_limit_frees_memory_and_that_of_the_index_with_it() {
    let account = Account::open().unwrap();
    let store = store(16 * MIB);
    account.charge(|| fill(&store, 300_000));
    let full_bytes = weight_bytes(&store);
    assert_eq!(store.counts().entry_count(), 300_000);
    account.charge(|| set_limits(&store, 16 * MIB, full_bytes / 4, Timestamp::now()));
    let (weight_bytes, counts) = (weight_bytes(&store), store.counts());
    assert!(weight_bytes <= full_bytes / 4);
    assert!(counts.entry_count() > 60_000, "the index takes too much: {counts:?}");
    assert_eq!(counted_bytes(&store), weight_bytes);
    let measured = heap::read([&account]).accounts[0].allocated_bytes;
    assert!(measured.abs_diff(weight_bytes) < weight_bytes / 20, "{measured} {weight_bytes}");
}

#[test]
fn entries_of_all_sizes_are_kept_whole_and_none_is_refused() {
    let store = store(64 * MIB);
    let sizes = [0, 1, 127, 128, 4_000, 4_096, 30_000, 32_768, 33_000, 100_000, 1_000_000];
    for (number, &bytes) in (0..).zip(&sizes) {
        assert_eq!(put(&store, number, &"x".repeat(bytes)), Inserted::New);
    }
    for (number, &bytes) in (0..).zip(&sizes) {
        let mut found = None;
        store.read(&key(number), &mut |entry| found = Some(entry.copy()));
        let Record { entry, .. } = record(&key(number), &"x".repeat(bytes), in_an_hour());
        assert_eq!(found.unwrap().view().fields, entry.view().fields, "{bytes}");
    }
    assert_eq!(counted_bytes(&store), weight_bytes(&store));
}

#[test]
fn an_entry_that_outlives_its_segment_does_not_keep_expired_ones() {
    let store = store(MIB);
    let now = Timestamp::now();
    for number in 0..1_000 {
        let life = if number == 500 { HOUR } else { Duration::from_secs(1) };
        store.insert(&record(&key(number), "text", now.plus(life)).draft(), now);
    }
    store.sweep(now.plus(Duration::from_secs(2)));
    let counts = store.counts();
    assert_eq!((counts.entry_count(), counts.removals.count(Removal::Expired)), (1, 999));
    assert!(is_there(&store, 500));
    assert!(counted_bytes(&store) < 8 << 10, "{counts:?}");
}

#[test]
fn a_large_store_that_is_made_as_small_as_possible_still_admits_the_newest() {
    let store = store(1 << 30);
    fill(&store, 10_000);
    set_limits(&store, MIN_CAPACITY_BYTES, 0, Timestamp::now());
    let largest = usize::try_from(store.quota().max_entry_bytes()).unwrap() - 100;
    for number in 10_000..10_100 {
        let text = if number % 2 == 0 { "x".repeat(largest) } else { "text".into() };
        assert_eq!(put(&store, number, &text), Inserted::New);
        assert!(is_there(&store, number));
        assert!(weight_bytes(&store) <= limit_bytes(&store));
    }
}

#[test]
fn small_records_among_large_ones_are_not_evicted_before_them() {
    let store = store(2 * MIB);
    for number in 0..400 {
        let text = if number % 2 == 0 { "x".repeat(40_000) } else { "x".repeat(200) };
        put(&store, number, &text);
        let missing =
            (number.saturating_sub(40)..=number).find(|&number| !is_there(&store, number));
        assert_eq!(missing, None, "after {number}");
    }
    assert!(evicted_count(&store) > 100);
}
