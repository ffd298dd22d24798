//! What a table says of single entries: how the weight of one is made up, and which are largest.

use super::*;

over_every_store! {
    pages_of_the_largest_show_every_entry_once_the_largest_first
    an_expired_entry_is_neither_listed_nor_described
    the_parts_of_a_described_entry_add_up_to_what_the_table_holds
    describing_an_entry_is_neither_a_hit_nor_a_miss
}

/// A hundred entries of ten sizes.
fn of_ten_sizes(store: config::Store) -> Table {
    let table = table(store, 1 << 20);
    for number in 0..100_usize {
        let text = "x".repeat(number % 10 * 100);
        put(&table, &format!("key-{}", number * 37 % 100), &text, in_an_hour());
    }
    table
}

fn ranks(entries: &[DescribedEntry]) -> Vec<(u64, String)> {
    entries.iter().map(|entry| (entry.weight_bytes(), entry.key.as_str().to_owned())).collect()
}

fn pages_of_the_largest_show_every_entry_once_the_largest_first(store: config::Store) {
    let table = of_ten_sizes(store);
    let mut expected = ranks(&table.largest(1_000, None, Timestamp::now()).entries);
    assert_eq!(expected.len(), 100);
    assert_eq!(expected.iter().map(|(weight, _)| weight).sum::<u64>(), walked(&table).1);
    assert!(expected.is_sorted_by(|one, next| one > next), "by weight, then by key: {expected:?}");

    let mut shown = Vec::new();
    loop {
        let after = shown.last().map(|(weight, key): &(u64, String)| (*weight, key.as_str()));
        let page = table.largest(7, after, Timestamp::now());
        assert_eq!(page.walked_count, 100);
        assert!(page.entries.len() <= 7);
        if page.entries.is_empty() {
            break;
        }
        shown.extend(ranks(&page.entries));
        assert!(shown.len() <= expected.len(), "an entry comes twice: {shown:?}");
    }
    assert_eq!(shown, expected);

    table.remove(&expected.remove(0).1, DELETED);
    assert_eq!(ranks(&table.largest(1, None, Timestamp::now()).entries), expected[..1]);
}

fn an_expired_entry_is_neither_listed_nor_described(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put(&table, "a", "text", in_an_hour());
    let later = in_an_hour().plus(HOUR);
    assert_eq!(table.largest(10, None, later).walked_count, 0);
    assert!(table.largest(10, None, later).entries.is_empty());
    assert!(table.describe(&Key::copy_of("a").unwrap(), later).is_none());
}

fn the_parts_of_a_described_entry_add_up_to_what_the_table_holds(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    let key = Key::copy_of("a key of some length").unwrap();
    for replaced_count in 0..3 {
        put(&table, key.as_str(), &"text ".repeat(20), in_an_hour());
        let described = table.describe(&key, Timestamp::now()).unwrap();
        assert_eq!(described.replaced_count, replaced_count);
        let parts = described.parts;
        assert_eq!(parts.key_bytes, key.as_str().len() as u64);
        assert_eq!(parts.fields_bytes, 100 + 2, "the text, a tag and a length");
        assert_eq!(parts.total_bytes(), walked(&table).1);
        assert_eq!(
            ranks(&table.largest(1, None, Timestamp::now()).entries)[0].0,
            parts.total_bytes()
        );
    }
    table.remove(key.as_str(), Ghost::deleted_by(recency(0, 7)));
    put(&table, key.as_str(), "text", in_an_hour());
    let described = table.describe(&key, Timestamp::now()).unwrap();
    assert_eq!(described.replaced_count, 0, "it replaced none");
    assert_eq!(table.stats().plucked_bytes, 3 * (20 + 102) + 20 + 6);
}

fn describing_an_entry_is_neither_a_hit_nor_a_miss(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put(&table, "a", "text", in_an_hour());
    assert!(table.describe(&Key::copy_of("a").unwrap(), Timestamp::now()).is_some());
    assert!(table.describe(&Key::copy_of("b").unwrap(), Timestamp::now()).is_none());
    let stats = table.stats();
    assert_eq!((stats.hit_count, stats.miss_count), (0, 0));
}
