//! A table never holds more than its capacity, and takes what is new.

use super::*;

over_every_store! {
    a_full_table_admits_the_newest_record
    keys_that_were_read_do_not_keep_new_ones_out
    an_entry_larger_than_the_table_takes_is_refused_and_removes_the_older_one
    an_oversized_draft_is_refused_and_removes_the_older_entry
    the_counts_balance_and_the_capacity_holds_under_many_writers
}

fn a_full_table_admits_the_newest_record(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    for n in 0..10_000 {
        let key = format!("key-{n}");
        put(&table, &key, "some text", in_an_hour());
        assert!(is_there(&table, &key), "{key} was turned away");
        let stats = table.stats();
        assert!(stats.weight_bytes <= stats.capacity_bytes, "{stats:?}");
    }
    assert!(table.stats().removals.count(Removal::Evicted) > 8_000);
    assert_counts_balance(&table);
}

fn keys_that_were_read_do_not_keep_new_ones_out(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    for n in 0..100 {
        put(&table, &format!("old-{n}"), "text", in_an_hour());
    }
    for _ in 0..20 {
        (0..100).for_each(|n| drop(get(&table, &format!("old-{n}"), Timestamp::now())));
        table.maintain();
    }
    for n in 0..100 {
        put(&table, &format!("new-{n}"), "text", in_an_hour());
    }
    table.maintain();
    let found = (0..100).filter(|n| is_there(&table, &format!("new-{n}")));
    assert_eq!(found.count(), 100);
}

fn an_entry_larger_than_the_table_takes_is_refused_and_removes_the_older_one(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put(&table, "a", "small", in_an_hour());
    let too_large = "x".repeat(usize::try_from(max_entry_bytes(MIN_CAPACITY_BYTES)).unwrap());
    assert_eq!(put(&table, "a", &too_large, in_an_hour()), Inserted::TooLarge);
    assert!(!is_there(&table, "a"));
    assert_counts_balance(&table);
}

fn an_oversized_draft_is_refused_and_removes_the_older_entry(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    let Record { key, entry } = record("a", "small", in_an_hour());
    put(&table, "a", "small", in_an_hour());
    let EntryView { origin, expires_at, .. } = entry.view();
    let oversized = Draft::oversized(key.as_key_ref(), origin, expires_at);
    assert_eq!(table.insert(oversized, Timestamp::now()), Inserted::TooLarge);
    let reason = table.miss_reason("a", Timestamp::now());
    assert_eq!(
        reason,
        MissReason::Ghost(Ghost::deleted_by(recency(origin.partition, origin.offset)))
    );
    assert_counts_balance(&table);
}

fn the_counts_balance_and_the_capacity_holds_under_many_writers(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES * 2);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..4_usize {
            let (table, over) = (&table, &over);
            scope.spawn(move || {
                for n in 0..5_000_usize {
                    let key = format!("key-{}", (n * 7 + writer) % 900);
                    match n % 11 {
                        0 => drop(table.remove(&key, DELETED)),
                        1 => drop(put(table, &key, "brief", Timestamp::now())),
                        _ => drop(put(table, &key, &"x".repeat(n % 500), in_an_hour())),
                    }
                    if table.weight_bytes() > table.spec.capacity_bytes {
                        over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(!over.load(Ordering::Relaxed), "the table was over its capacity");
    table.maintain();
    assert_counts_balance(&table);
}
