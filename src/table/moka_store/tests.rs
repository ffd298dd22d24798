//! What only the moka store does: it evicts by use, moka's weights come right in the end, the
//! placeholder is never seen as an entry, and keys of one hash are told apart.

mod collisions;

use super::*;
use crate::table::tests::{in_an_hour, recency, record};
use crate::table::{GhostCause, MIN_CAPACITY_BYTES, max_entry_bytes};

const DELETED: Ghost = Ghost { cause: GhostCause::Deleted, recency: recency(0, 11) };
const MIB: u64 = 1 << 20;

/// A store of entries of so many bytes.
fn store(capacity_bytes: u64) -> MokaStore {
    let ghosts = GhostEntries::new(MIB);
    let (account, clock) = (Account::open().unwrap(), Clock::start());
    let capacity_bytes = capacity_bytes + ghosts.bytes();
    MokaStore::new(
        capacity_bytes,
        (ghosts, Arc::new(ChangeLog::new(0))),
        RankedBy::Time,
        account,
        clock,
    )
}

fn weight_bytes(store: &MokaStore) -> u64 {
    store.quota().weight_bytes() - store.quota().fixed_bytes()
}

/// Sets what the entries may weigh.
fn set_limits(store: &MokaStore, capacity_bytes: u64, limit_bytes: u64) {
    let fixed_bytes = store.quota().fixed_bytes();
    store.quota().set_limits(capacity_bytes + fixed_bytes, limit_bytes + fixed_bytes);
    store.enforce_limit(Timestamp::now());
}

fn put(store: &MokaStore, key: &str, text: &str) {
    store.insert(&record(key, text, in_an_hour()).draft(), Timestamp::now());
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

/// moka's own weights are right in the end.
fn assert_weights_agree(store: &MokaStore) {
    store.run_pending();
    assert_eq!(store.cached_bytes(), weight_bytes(store));
}

#[test]
fn a_replacement_that_is_removed_at_once_leaves_no_weight_behind() {
    let store = store(MIN_CAPACITY_BYTES);
    for n in 0..2_000 {
        let (before, after) = if n % 2 == 0 { (10, 900) } else { (900, 10) };
        let key = format!("key-{n}");
        put(&store, &key, &"x".repeat(before));
        store.run_pending();
        put(&store, &key, &"x".repeat(after));
        store.remove(&key, DELETED, Timestamp::now());
        put(&store, &format!("kept-{}", n % 50), "text");
    }
    assert_weights_agree(&store);
}

#[test]
fn entries_that_are_replaced_and_then_evicted_leave_no_weight_behind() {
    let store = store(MIN_CAPACITY_BYTES);
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..20_000 {
        let (key, bytes) = (random.u8(0..90), random.usize(0..2_000));
        put(&store, &format!("key-{key}"), &"x".repeat(bytes));
    }
    assert!(store.counts().removals.count(Removal::Evicted) > 1_000);
    assert!(store.counts().removals.count(Removal::Replaced) > 1_000);
    assert_weights_agree(&store);
}

#[test]
fn expired_entries_that_moka_hides_leave_when_they_are_asked_for() {
    let store = store(MIB);
    let soon = Timestamp::now().plus(Duration::from_millis(1));
    let keys: Vec<_> = (0..50).map(|n| format!("key-{n}")).collect();
    for (n, key) in keys.iter().enumerate() {
        let (before, after) = if n % 2 == 0 { (10, 900) } else { (900, 10) };
        for bytes in [before, after] {
            let record = record(key, &"x".repeat(bytes), soon);
            store.insert(&record.draft(), Timestamp::from_millis(0));
        }
    }
    let start = Instant::now();
    while store.cache.contains_key(&store.key_of(&keys[49])) {
        std::thread::yield_now();
        assert!(start.elapsed() < Duration::from_secs(30));
    }
    let reason = MissReason::Ghost(Ghost::expired(recency(0, 7), soon));
    for key in &keys {
        assert_eq!(store.miss_reason(key, Timestamp::now()), reason);
    }
    assert_eq!(store.counts().removals.count(Removal::Expired), 50);
    assert_weights_agree(&store);
}

#[test]
fn a_lower_limit_evicts_the_least_recently_used() {
    let store = store(MIB);
    let key = |number: u32| format!("key-{number:06}");
    let held =
        |numbers: std::ops::Range<u32>| numbers.filter(|&n| is_there(&store, &key(n))).count();
    (0..400).for_each(|number| put(&store, &key(number), &"x".repeat(1_000)));
    assert_eq!(held(0..50), 50);
    store.run_pending();

    set_limits(&store, MIB, MIB / 2);
    let weight_bytes = weight_bytes(&store);
    assert!(weight_bytes <= MIB / 2 && weight_bytes > MIB / 2 - 3 * max_entry_bytes(MIB));
    assert_eq!(held(0..50), 50, "what was read just now stays");
    assert_eq!(held(350..400), 50, "and so does what was written just now");
    assert_eq!(held(50..100), 0, "what was neither leaves");
}

#[test]
fn the_placeholder_is_never_seen_as_an_entry() {
    let store = store(MIB);
    (0..10).for_each(|number| put(&store, &format!("key-{number}"), "text"));
    let before_bytes = weight_bytes(&store);
    for limit_bytes in [MIB / 4, MIB, MIB / 2] {
        set_limits(&store, MIB, limit_bytes);
        assert!(!is_there(&store, ""));
        store.remove("", DELETED, Timestamp::now());
        let counts = store.counts();
        let [entries, removed] = [counts.entry_count(), counts.removals.total()];
        assert_eq!((entries, counts.stored_count, removed), (10, 10, 0));
        assert_eq!(weight_bytes(&store), before_bytes);
        assert_eq!(walked_count(&store), 10);
        assert_weights_agree(&store);
    }
}
