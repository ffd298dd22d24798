//! Two keys with the same hash: the entry that is stored last stays, the other leaves as evicted,
//! and nobody is given the entry of another key.

use super::*;
use crate::record::Recency;
use crate::table::tests::record_at;

/// A store in which keys with the same first letter have the same hash.
fn store() -> MokaStore {
    MokaStore { hash: |ghosts, key| ghosts.hash(&key[..1]), ..super::store(MIB) }
}

fn put_at(store: &MokaStore, recency: Recency, key: &str) -> Inserted {
    store.insert(&record_at(recency, key, key, in_an_hour()).draft(), Timestamp::now())
}

/// The text under a key, which is the key itself.
fn text_of(store: &MokaStore, key: &str) -> Option<String> {
    let mut text = None;
    store.read(key, &mut |entry| text = Some(format!("{:?}", entry.values().next())));
    text
}

/// What is there is counted once, and every other entry left for one cause.
fn assert_counts_balance(store: &MokaStore, entry_count: u64) {
    let mut weight = 0;
    store.walk(&mut |key, entry| weight += store.weigh(key, &entry).total_bytes());
    assert_eq!(store.counts().entry_count(), entry_count);
    assert_eq!(walked_count(store), entry_count);
    assert_eq!(store.held_count(), entry_count);
    assert_eq!(weight_bytes(store), weight);
    assert_weights_agree(store);
}

#[test]
fn the_entry_that_is_stored_last_stays_and_the_other_is_evicted_and_counted() {
    let store = store();
    put_at(&store, recency(1, 9), "a1");
    put_at(&store, recency(1, 10), "b");
    assert!(is_there(&store, "a1") && !is_there(&store, "a2"), "it is of another key");

    // Older than the entry of the other key, which is no reason to turn it away.
    assert_eq!(put_at(&store, recency(0, 3), "a2"), Inserted::New);
    assert!(text_of(&store, "a2").unwrap().contains("a2"));
    assert_eq!(text_of(&store, "a1"), None);
    let MissReason::Ghost(ghost) = store.miss_reason("a1", Timestamp::now()) else { panic!() };
    assert!(matches!(ghost.cause, GhostCause::Evicted(_)));
    assert_eq!(ghost.recency, recency(1, 9));
    assert_eq!(store.counts().removals.count(Removal::Evicted), 1);
    assert_counts_balance(&store, 2);

    assert_eq!(put_at(&store, recency(0, 4), "a2"), Inserted::Replaced);
    assert_eq!(put_at(&store, recency(1, 11), "a1"), Inserted::New);
    assert!(is_there(&store, "a1") && !is_there(&store, "a2"));
    assert_eq!(store.counts().removals.count(Removal::Evicted), 2);
    assert_counts_balance(&store, 2);
}

#[test]
fn a_tombstone_deletes_no_entry_of_another_key() {
    let store = store();
    put_at(&store, recency(0, 7), "a1");
    assert_eq!(store.remove("a2", DELETED, Timestamp::now()), Removed::Nothing);
    assert!(is_there(&store, "a1"));
    assert_eq!(store.remove("a1", DELETED, Timestamp::now()), Removed::Entry);
    assert!(!is_there(&store, "a1"));
    assert_counts_balance(&store, 0);
}

#[test]
fn an_expired_entry_of_another_key_counts_as_expired() {
    let store = store();
    let soon = Timestamp::now().plus(Duration::from_millis(1));
    store.insert(&record("a1", "text", soon).draft(), Timestamp::now());
    let later = soon.plus(Duration::from_millis(1));
    assert_eq!(store.insert(&record("a2", "text", in_an_hour()).draft(), later), Inserted::New);
    let reason = store.miss_reason("a1", later);
    assert_eq!(reason, MissReason::Ghost(Ghost::expired(recency(0, 7), soon)));
    let removals = store.counts().removals;
    assert_eq!((removals.count(Removal::Expired), removals.total()), (1, 1));
    assert_counts_balance(&store, 1);
}

#[test]
fn the_counts_balance_whatever_collides() {
    let store = store();
    let mut random = fastrand::Rng::with_seed(3);
    for offset in 0..20_000 {
        let key = format!("{}{}", random.alphabetic(), random.u8(0..3));
        if random.u8(0..5) == 0 {
            store.remove(&key, Ghost::deleted_by(recency(0, offset)), Timestamp::now());
        } else {
            assert_ne!(put_at(&store, recency(0, offset), &key), Inserted::Superseded);
            assert!(text_of(&store, &key).unwrap().contains(&key));
        }
    }
    let entry_count = store.counts().entry_count();
    assert!(entry_count > 20 && entry_count <= 52, "{entry_count}");
    assert_counts_balance(&store, entry_count);
}
