//! The life of an entry: stored, read, replaced, deleted, expired.

use super::*;

over_every_store! {
    a_stored_record_is_readable_at_once
    a_newer_record_replaces_the_entry_and_its_weight
    a_lookup_finds_a_key_at_every_moment_at_which_it_is_replaced
    a_removed_key_is_absent_and_counted_as_deleted
    no_read_returns_an_expired_entry_that_is_not_removed_yet
    an_expired_entry_is_removed_and_counted_as_expired
    a_replacement_lives_its_own_time_and_not_what_was_left_of_the_old_ones
    the_maintenance_thread_removes_expired_entries
}

fn a_stored_record_is_readable_at_once(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    assert_eq!(put(&table, "a", "first", in_an_hour()), Inserted::New);
    assert_eq!(text_of(&get(&table, "a", Timestamp::now()).unwrap()), "first");
    assert!(get(&table, "b", Timestamp::now()).is_none());
    let stats = table.stats();
    assert_eq!((stats.hit_count, stats.miss_count), (1, 1));
    assert_counts_balance(&table);
}

fn a_newer_record_replaces_the_entry_and_its_weight(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put(&table, "a", &"long ".repeat(100), in_an_hour());
    assert_eq!(put(&table, "a", "short", in_an_hour()), Inserted::Replaced);
    assert_eq!(text_of(&get(&table, "a", Timestamp::now()).unwrap()), "short");
    let stats = table.stats();
    assert_eq!(stats.removals.count(Removal::Replaced), 1);
    assert_eq!(stats.entry_count, 1);
    assert_counts_balance(&table);
}

fn a_lookup_finds_a_key_at_every_moment_at_which_it_is_replaced(store: config::Store) {
    let table = table(store, 1 << 20);
    put(&table, "a", "first", in_an_hour());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut lookups = 0_u64;
            while !done.load(Ordering::Relaxed) {
                assert!(is_there(&table, "a"), "after {lookups} lookups");
                lookups += 1;
            }
        });
        for _ in 0..20_000 {
            put(&table, "a", "next", in_an_hour());
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(table.stats().removals.count(Removal::Replaced), 20_000);
    assert_counts_balance(&table);
}

fn a_removed_key_is_absent_and_counted_as_deleted(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put(&table, "a", "first", in_an_hour());
    table.remove("a", DELETED);
    table.remove("never there", DELETED);
    assert!(!is_there(&table, "a"));
    assert_eq!(table.stats().removals.count(Removal::Deleted), 1);
    assert_counts_balance(&table);
}

fn no_read_returns_an_expired_entry_that_is_not_removed_yet(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    let expiry = in_an_hour();
    put(&table, "a", "first", expiry);
    assert!(get(&table, "a", Timestamp::from_millis(expiry.as_millis() - 1)).is_some());
    assert!(get(&table, "a", expiry).is_none());
    assert_eq!(table.stats().entry_count, 1, "it is not removed yet");
}

fn an_expired_entry_is_removed_and_counted_as_expired(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    let empty_bytes = entries_bytes(&table);
    put(&table, "a", "first", Timestamp::now().plus(Duration::from_millis(1)));
    maintain_down_to(&table, 0);
    assert_eq!(table.stats().removals.count(Removal::Expired), 1);
    assert!(entries_bytes(&table) < empty_bytes + 512, "{} B are left", entries_bytes(&table));
}

fn a_replacement_lives_its_own_time_and_not_what_was_left_of_the_old_ones(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    let soon = Timestamp::now().plus(Duration::from_millis(20));
    put(&table, "a", "first", soon);
    put(&table, "a", "second", in_an_hour());
    while Timestamp::now() <= soon.plus(Duration::from_millis(20)) {
        table.maintain();
        thread::yield_now();
    }
    assert!(is_there(&table, "a"));
}

fn the_maintenance_thread_removes_expired_entries(store: config::Store) {
    let table = Arc::new(table(store, MIN_CAPACITY_BYTES));
    let maintenance = Maintenance::spawn(vec![table.clone()], table.account()).unwrap();
    put(&table, "a", "first", Timestamp::now().plus(Duration::from_millis(1)));
    while table.stats().entry_count > 0 {
        thread::yield_now();
    }
    drop(maintenance);
}
