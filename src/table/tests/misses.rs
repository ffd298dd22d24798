//! Misses are explained with the true reason, or with none.

use super::*;

over_every_store! {
    a_key_is_never_seen_until_a_record_of_it_comes
    an_expired_entry_is_called_expired_before_and_after_it_is_removed
    a_tombstone_for_an_expired_entry_stays_the_reason_after_maintenance
    an_evicted_entry_is_called_evicted_with_the_time_of_it
    a_key_that_comes_back_and_leaves_again_has_its_newest_reason
    a_record_that_is_too_large_deletes_its_key
    ghost_entries_are_part_of_the_weight_and_leave_room_for_entries_at_any_limit
}

fn miss_reason(table: &Table, key: &str) -> MissReason {
    let now = Timestamp::now();
    assert!(table.peek(key, now, |_| ()).is_none(), "{key} is there");
    table.miss_reason(key, now)
}

fn a_key_is_never_seen_until_a_record_of_it_comes(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    assert_eq!(miss_reason(&table, "a"), MissReason::NeverSeen);
    put(&table, "a", "first", in_an_hour());
    table.remove("a", DELETED);
    assert_eq!(miss_reason(&table, "a"), MissReason::Ghost(DELETED));
    table.remove("never stored", DELETED);
    assert_eq!(
        miss_reason(&table, "never stored"),
        MissReason::Ghost(DELETED),
        "its tombstone was seen"
    );
}

fn an_expired_entry_is_called_expired_before_and_after_it_is_removed(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    let soon = Timestamp::now().plus(Duration::from_millis(30));
    put(&table, "asked", "text", soon);
    put(&table, "swept", "old text", soon);
    put(&table, "swept", "text", soon);
    put(&table, "later", "text", in_an_hour());
    let expired = MissReason::Ghost(Ghost::expired(recency(0, 7), soon));
    assert_eq!(table.miss_reason("asked", soon), expired, "by the time of the question");
    while Timestamp::now() < soon {
        thread::yield_now();
    }
    assert_eq!(miss_reason(&table, "asked"), expired, "not swept by anyone yet");
    maintain_down_to(&table, 1);
    assert_eq!(miss_reason(&table, "swept"), expired);
    assert_eq!(table.stats().removals.count(Removal::Expired), 2);
    assert_counts_balance(&table);
}

fn a_tombstone_for_an_expired_entry_stays_the_reason_after_maintenance(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    let soon = Timestamp::now().plus(Duration::from_millis(5));
    put(&table, "a", "text", soon);
    while Timestamp::now() <= soon {
        thread::yield_now();
    }
    table.remove("a", DELETED);
    maintain_down_to(&table, 0);
    assert_eq!(miss_reason(&table, "a"), MissReason::Ghost(DELETED));
    assert_counts_balance(&table);
}

fn an_evicted_entry_is_called_evicted_with_the_time_of_it(store: config::Store) {
    let table = table(store, 1 << 20);
    let before = Timestamp::now();
    let count = 30_000;
    for n in 0..count {
        put(&table, &format!("key-{n}"), "text", in_an_hour());
    }
    let gone = (0..count).filter(|n| !is_there(&table, &format!("key-{n}")));
    let reasons: Vec<_> = gone.map(|n| miss_reason(&table, &format!("key-{n}"))).collect();
    let is_recent = |time: &Timestamp| (before..=Timestamp::now()).contains(time);
    let evicted = |reason: &&MissReason| match reason {
        MissReason::Ghost(Ghost { cause: GhostCause::Evicted(time), .. }) => is_recent(time),
        _ => false,
    };
    let known = reasons.iter().filter(evicted).count();
    let unknown = reasons.iter().filter(|reason| **reason == MissReason::Unknown).count();
    assert_eq!(known + unknown, reasons.len(), "no other reason is given");
    assert!(known > 400, "{known} of {}", reasons.len());
}

fn a_key_that_comes_back_and_leaves_again_has_its_newest_reason(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    table.remove("a", Ghost::deleted_by(recency(0, 3)));
    put(&table, "a", "text", in_an_hour());
    assert!(is_there(&table, "a"));
    let again = Ghost::deleted_by(recency(0, 99));
    table.remove("a", again);
    assert_eq!(miss_reason(&table, "a"), MissReason::Ghost(again));
}

fn a_record_that_is_too_large_deletes_its_key(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put(&table, "a", "small", in_an_hour());
    let too_large = "x".repeat(usize::try_from(max_entry_bytes(MIN_CAPACITY_BYTES)).unwrap());
    put(&table, "a", &too_large, in_an_hour());
    assert_eq!(miss_reason(&table, "a"), MissReason::Ghost(Ghost::deleted_by(recency(0, 7))));
}

fn ghost_entries_are_part_of_the_weight_and_leave_room_for_entries_at_any_limit(
    store: config::Store,
) {
    let table = table(store, 16 << 20);
    let stats = table.stats();
    assert!(stats.ghost_bytes > 200 << 10, "{stats:?}");
    assert!(stats.weight_bytes - stats.ghost_bytes < 4 << 10, "{stats:?}");
    assert_eq!(stats.capacity_bytes, 16 << 20);
    table.set_limits(MIN_CAPACITY_BYTES, 0);
    put(&table, "a", "text", in_an_hour());
    assert!(is_there(&table, "a"), "{:?}", table.stats());
    assert!(table.weight_bytes() <= table.limit_bytes());
}
