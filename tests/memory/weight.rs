//! The weight of a table equals the memory that the allocator measures, within 5 %.

use millpond::config::Store;
use millpond::heap;
use millpond::table::{Removal, Table};

use crate::records::{Writer, table};
use crate::{MIB, turn};

/// At least so many, and two for each entry: a store that lost a hundredth of an entry with each
/// replacement of a small table would be found out.
const MIN_REPLACEMENTS: u64 = 100_000;

over_every_store! {
    entries_of_16_bytes_weigh_what_they_take
    entries_of_100_bytes_weigh_what_they_take
    entries_of_a_kibibyte_weigh_what_they_take
    entries_of_64_kibibytes_weigh_what_they_take
    a_full_table_that_goes_on_evicting_weighs_what_it_takes
    a_full_table_whose_limit_falls_to_an_eighth_takes_an_eighth
}

fn entries_of_16_bytes_weigh_what_they_take(store: Store) {
    assert_true_weight(store, 16, 200_000);
}

fn entries_of_100_bytes_weigh_what_they_take(store: Store) {
    assert_true_weight(store, 100, 150_000);
}

fn entries_of_a_kibibyte_weigh_what_they_take(store: Store) {
    assert_true_weight(store, 1 << 10, 50_000);
}

fn entries_of_64_kibibytes_weigh_what_they_take(store: Store) {
    assert_true_weight(store, 64 << 10, 1_500);
}

fn a_full_table_that_goes_on_evicting_weighs_what_it_takes(store: Store) {
    let (_turn, _account) = turn();
    let account = heap::Account::open().unwrap();
    let table = table(store, &account, 32 * MIB);
    let writer = Writer::new(&table, &"x".repeat(100));
    (0..400_000).for_each(|number| writer.store(number));
    assert!(table.stats().removals.count(Removal::Evicted) > 100_000, "it evicts");
    assert_weighs_what_it_takes(&table, "evicting");
}

fn a_full_table_whose_limit_falls_to_an_eighth_takes_an_eighth(store: Store) {
    let (_turn, _account) = turn();
    let account = heap::Account::open().unwrap();
    let table = table(store, &account, 64 * MIB);
    let writer = Writer::new(&table, &"x".repeat(1_000));
    (0..80_000).for_each(|number| writer.store(number));
    assert_weighs_what_it_takes(&table, "full");
    for limit_bytes in [8 * MIB, 64 * MIB, 8 * MIB] {
        table.set_limits(64 * MIB, limit_bytes);
        (0..80_000).for_each(|number| writer.store(number));
        assert!(table.weight_bytes() <= limit_bytes);
        assert!(table.weight_bytes() > limit_bytes / 10 * 8, "it is full");
        assert_weighs_what_it_takes(&table, "after its limit was changed");
    }
}

/// Asserts it for a fresh table, and again after a million replacements.
fn assert_true_weight(store: Store, text_bytes: usize, entries: u64) {
    let (_turn, _account) = turn();
    let account = heap::Account::open().unwrap();
    let table = table(store, &account, 1 << 30);
    let writer = Writer::new(&table, &"x".repeat(text_bytes));
    (0..entries).for_each(|number| writer.store(number));
    assert_weighs_what_it_takes(&table, "fresh");
    let mut random = fastrand::Rng::with_seed(7);
    (0..MIN_REPLACEMENTS.max(2 * entries)).for_each(|_| writer.store(random.u64(0..entries)));
    assert_eq!(table.stats().entry_count, entries);
    assert_weighs_what_it_takes(&table, "after many replacements");
}

fn assert_weighs_what_it_takes(table: &Table, when: &str) {
    table.maintain();
    let weight = table.weight_bytes();
    let measured = heap::read([table.account()]).accounts[0].allocated_bytes;
    let off = measured.abs_diff(weight) * 1_000 / measured;
    assert!(off <= 50, "{when}: weighs {weight} B, takes {measured} B: {off} thousandths off");
}
