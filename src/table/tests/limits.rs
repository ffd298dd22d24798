//! A table whose capacity and limit are set while it is in use.

use std::ops::Range;

use super::*;

over_every_store! {
    a_lower_limit_evicts_and_holds
    the_newest_record_is_admitted_under_a_lowered_limit
    a_table_that_is_raised_beyond_its_first_capacity_holds_more
    the_lowest_limit_admits_the_largest_entry
    the_smallest_capacity_can_be_set_again
    what_a_table_takes_without_entries_follows_a_limit_that_falls_far_and_rises_again
    a_limit_that_rises_and_falls_under_writers_holds_in_the_end
}

fn key(number: u32) -> String {
    format!("key-{number:06}")
}

/// Entries of a little over a KiB each.
fn fill(table: &Table, numbers: Range<u32>) {
    let text = "x".repeat(1_000);
    for number in numbers {
        put(table, &key(number), &text, in_an_hour());
    }
}

fn held_count(table: &Table, numbers: Range<u32>) -> usize {
    numbers.filter(|&number| is_there(table, &key(number))).count()
}

fn evicted_count(table: &Table) -> u64 {
    let removals = table.stats().removals;
    removals.count(Removal::Evicted) + removals.count(Removal::EvictedForPressure)
}

fn a_lower_limit_evicts_and_holds(store: config::Store) {
    let table = table(store, MIB);
    fill(&table, 0..400);
    table.maintain();
    assert_eq!(evicted_count(&table), 0);

    table.set_limits(MIB, MIB / 2);
    let stats = table.stats();
    assert_eq!((stats.capacity_bytes, stats.limit_bytes), (MIB, MIB / 2));
    assert!(stats.weight_bytes <= MIB / 2, "{stats:?}");
    assert!(stats.weight_bytes > MIB / 2 - 3 * max_entry_bytes(MIB), "too much left: {stats:?}");
    assert_eq!(evicted_count(&table), 400 - stats.entry_count);
    assert_eq!(stats.removals.count(Removal::Evicted), 0, "nothing left for room");
    assert_eq!(held_count(&table, 350..400), 50, "what was written just now stays");

    fill(&table, 400..1_000);
    assert!(table.weight_bytes() <= MIB / 2);
    assert_counts_balance(&table);
}

fn the_newest_record_is_admitted_under_a_lowered_limit(store: config::Store) {
    let table = table(store, MIB);
    fill(&table, 0..1_000);
    table.set_limits(MIB, MIB / 4);
    for number in 1_000..3_000 {
        fill(&table, number..number + 1);
        assert_eq!(held_count(&table, number..number + 1), 1, "{number} was turned away");
        assert!(table.weight_bytes() <= MIB / 4);
    }
    assert_counts_balance(&table);
}

fn a_table_that_is_raised_beyond_its_first_capacity_holds_more(store: config::Store) {
    let table = table(store, MIB);
    fill(&table, 0..2_000);
    let before = evicted_count(&table);
    assert!(before > 1_000);
    table.set_limits(4 * MIB, 4 * MIB);
    fill(&table, 2_000..3_700);
    assert_eq!(evicted_count(&table), before);
    assert_eq!(held_count(&table, 2_000..3_700), 1_700);
    assert!(table.weight_bytes() > 2 * MIB);

    table.set_limits(MIB, MIB);
    assert!(table.weight_bytes() <= MIB);
    assert_eq!(held_count(&table, 3_600..3_700), 100);
    assert_counts_balance(&table);
}

fn the_lowest_limit_admits_the_largest_entry(store: config::Store) {
    let table = table(store, MIB);
    fill(&table, 0..1_000);
    table.set_limits(MIB, 0);
    let fixed_bytes = table.store.quota().fixed_bytes();
    let lowest = 2 * max_entry_bytes(MIB - fixed_bytes) + fixed_bytes;
    assert_eq!(table.limit_bytes(), lowest);
    let largest = "x".repeat(57_000);
    for number in 0..20 {
        let inserted = put(&table, &key(number), &largest, in_an_hour());
        assert_ne!(inserted, Inserted::TooLarge);
        assert_eq!(held_count(&table, number..number + 1), 1);
        assert!(table.weight_bytes() <= table.limit_bytes());
    }
    assert_counts_balance(&table);
}

fn the_smallest_capacity_can_be_set_again(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    table.set_limits(MIN_CAPACITY_BYTES, MIN_CAPACITY_BYTES);
    assert_eq!(table.stats().capacity_bytes, MIN_CAPACITY_BYTES);
}

fn what_a_table_takes_without_entries_follows_a_limit_that_falls_far_and_rises_again(
    store: config::Store,
) {
    let table = table(store, 16 * MIB);
    fill(&table, 0..8_000);
    let before = table.stats();
    let fixed_bytes = || table.store.quota().fixed_bytes();
    table.set_limits(16 * MIB, 2 * MIB);
    let lowered = table.stats();
    assert!(lowered.ghost_bytes < before.ghost_bytes / 7, "{lowered:?} after {before:?}");
    assert!(fixed_bytes() < 2 * MIB / 40, "{}", fixed_bytes());
    assert!(lowered.weight_bytes <= 2 * MIB, "{lowered:?}");
    assert!(lowered.weight_bytes > MIB, "{lowered:?}");
    let is_known = |number: &u32| {
        let reason = table.miss_reason(&key(*number), Timestamp::now());
        assert_ne!(reason, MissReason::NeverSeen, "{number} was there");
        matches!(reason, MissReason::Ghost(_))
    };
    assert!((0..8_000).filter(is_known).count() > 500, "some of the reasons are still known");

    table.set_limits(16 * MIB, 16 * MIB);
    let raised = table.stats();
    assert_eq!(raised.ghost_bytes, before.ghost_bytes);
    fill(&table, 0..20_000);
    assert!(table.weight_bytes() <= 16 * MIB);
    table.set_limits(2 * MIB, 2 * MIB);
    assert!(table.weight_bytes() <= 2 * MIB);
    assert_eq!(table.stats().weight_mismatch_count, 0);
    assert_counts_balance(&table);
}

fn a_limit_that_rises_and_falls_under_writers_holds_in_the_end(store: config::Store) {
    let table = table(store, MIB);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = |first: u32| {
            let (table, done) = (&table, &done);
            move || {
                let mut number = first;
                while !done.load(Ordering::Relaxed) {
                    fill(table, number..number + 1);
                    table.remove(&key(number.saturating_sub(3)), DELETED);
                    number = first + (number - first + 1) % 4_000;
                }
            }
        };
        scope.spawn(writer(0));
        scope.spawn(writer(2_000));
        for round in 0..60 {
            let capacity_bytes = MIB << (round % 3);
            table.set_limits(capacity_bytes, capacity_bytes >> (round % 4));
            thread::yield_now();
        }
        table.set_limits(MIB, MIB / 2);
        done.store(true, Ordering::Relaxed);
    });
    table.maintain();
    assert!(table.weight_bytes() <= MIB / 2, "{:?}", table.stats());
    fill(&table, 0..1_000);
    assert!(held_count(&table, 0..1_000) > 200);
    assert_counts_balance(&table);
}
