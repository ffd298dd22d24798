//! What a table says of single entries: where the bytes of one are, and which are the largest.

use super::*;

/// A hundred entries of ten sizes.
fn of_ten_sizes() -> Table {
    let table = table(1 << 20);
    for number in 0..100_usize {
        let text = "x".repeat(number % 10 * 100);
        table.insert(record(&format!("key-{}", number * 37 % 100), &text, in_an_hour()));
    }
    table
}

fn places(entries: &[Weighed]) -> Vec<(u64, String)> {
    entries.iter().map(|entry| (entry.weight_bytes, entry.key.as_str().to_owned())).collect()
}

#[test]
fn pages_of_the_largest_show_every_entry_once_the_largest_first() {
    let table = of_ten_sizes();
    let mut expected = places(&table.largest(1_000, None, Timestamp::now()).entries);
    assert_eq!(expected.len(), 100);
    assert_eq!(expected.iter().map(|(weight, _)| weight).sum::<u64>(), entries_bytes(&table));
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
        shown.extend(places(&page.entries));
        assert!(shown.len() <= expected.len(), "an entry comes twice: {shown:?}");
    }
    assert_eq!(shown, expected);

    table.remove(&expected.remove(0).1, DELETED);
    assert_eq!(places(&table.largest(1, None, Timestamp::now()).entries), expected[..1]);
}

#[test]
fn an_expired_entry_is_neither_listed_nor_described() {
    let table = table(MIN_CAPACITY_BYTES);
    table.insert(record("a", "text", in_an_hour()));
    let later = in_an_hour().plus(HOUR);
    assert_eq!(table.largest(10, None, later).walked_count, 0);
    assert!(table.largest(10, None, later).entries.is_empty());
    assert!(table.describe(&Key::copy_of("a").unwrap(), later).is_none());
}

#[test]
fn the_parts_of_a_described_entry_add_up_to_what_the_table_holds() {
    let table = table(MIN_CAPACITY_BYTES);
    let key = Key::copy_of("a key of some length").unwrap();
    for replaced_count in 0..3 {
        table.insert(record(key.as_str(), &"text ".repeat(20), in_an_hour()));
        let (entry, parts) = table.describe(&key, Timestamp::now()).unwrap();
        assert_eq!(entry.replaced_count(), replaced_count);
        assert_eq!(parts.key_bytes, key.as_str().len() as u64);
        assert_eq!(parts.fields_bytes, 100 + 5, "the text, a tag and a length");
        assert_eq!(parts.total_bytes(), entries_bytes(&table));
        assert_eq!(
            places(&table.largest(1, None, Timestamp::now()).entries)[0].0,
            parts.total_bytes()
        );
    }
    table.remove(key.as_str(), DELETED);
    table.insert(record(key.as_str(), "text", in_an_hour()));
    let (entry, _) = table.describe(&key, Timestamp::now()).unwrap();
    assert_eq!(entry.replaced_count(), 0, "it took nobody's place");
    assert_eq!(table.stats().plucked_bytes, 3 * (20 + 105) + 20 + 9);
}

#[test]
fn to_describe_an_entry_is_neither_a_hit_nor_a_miss() {
    let table = table(MIN_CAPACITY_BYTES);
    table.insert(record("a", "text", in_an_hour()));
    assert!(table.describe(&Key::copy_of("a").unwrap(), Timestamp::now()).is_some());
    assert!(table.describe(&Key::copy_of("b").unwrap(), Timestamp::now()).is_none());
    let stats = table.stats();
    assert_eq!((stats.hit_count, stats.miss_count), (0, 0));
}
