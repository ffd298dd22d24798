//! The newer record wins, whatever the order in which records come.

use super::*;

over_every_store! {
    an_older_record_of_another_partition_is_superseded_and_a_newer_one_replaces
    an_older_record_does_not_bring_back_an_entry_that_a_newer_one_deleted
    a_tombstone_that_is_older_than_the_entry_deletes_nothing
    an_older_record_does_not_bring_back_an_entry_that_has_expired
    an_older_record_that_is_too_large_deletes_nothing
    a_table_with_versions_goes_by_them_in_one_partition_too
    an_entry_of_a_partition_that_is_removed_makes_room_for_its_new_log
}

/// The recency of a record that is so much later than all other records.
fn later(partition: i32, offset: i64, by_millis: i64) -> Recency {
    Recency { rank: RECORD_TIME.as_millis() + by_millis, partition, offset }
}

fn put_at(table: &Table, partition: i32, offset: i64, later_by: i64, text: &str) -> Inserted {
    let record = record_at(later(partition, offset, later_by), "a", text, in_an_hour());
    table.insert(record.draft(), Timestamp::now())
}

fn deleted_at(partition: i32, offset: i64, later_by: i64) -> Ghost {
    Ghost::deleted_by(later(partition, offset, later_by))
}

fn text(table: &Table) -> Option<String> {
    get(table, "a", Timestamp::now()).map(|entry| text_of(&entry))
}

fn an_older_record_of_another_partition_is_superseded_and_a_newer_one_replaces(
    store: config::Store,
) {
    let table = table(store, MIN_CAPACITY_BYTES);
    assert_eq!(put_at(&table, 1, 5, 100, "new"), Inserted::New);
    assert_eq!(put_at(&table, 0, 60_000, 50, "old"), Inserted::Superseded);
    assert_eq!(text(&table).as_deref(), Some("new"));
    assert_eq!(put_at(&table, 1, 6, 20, "newer by its offset"), Inserted::Replaced);
    assert_eq!(put_at(&table, 0, 60_001, 70, "old"), Inserted::Superseded);
    assert_eq!(put_at(&table, 0, 60_002, 101, "newest"), Inserted::Replaced);
    assert_eq!(text(&table).as_deref(), Some("newest"));
    assert_eq!(
        table.describe(&Key::copy_of("a").unwrap(), Timestamp::now()).unwrap().replaced_count,
        2
    );
    assert_counts_balance(&table);
}

fn an_older_record_does_not_bring_back_an_entry_that_a_newer_one_deleted(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put_at(&table, 1, 5, 100, "new");
    assert_eq!(table.remove("a", deleted_at(1, 6, 110)), Removed::Entry);
    assert_eq!(put_at(&table, 0, 60_000, 50, "old"), Inserted::Superseded);
    assert_eq!(text(&table), None);
    assert_eq!(table.remove("a", deleted_at(0, 60_001, 60)), Removed::Superseded);
    assert_eq!(table.remove("a", deleted_at(0, 60_002, 120)), Removed::Nothing);
    assert_eq!(put_at(&table, 1, 7, 130, "again"), Inserted::New);
    assert_eq!(text(&table).as_deref(), Some("again"));
}

fn a_tombstone_that_is_older_than_the_entry_deletes_nothing(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put_at(&table, 1, 5, 100, "new");
    assert_eq!(table.remove("a", deleted_at(0, 9, 99)), Removed::Superseded);
    assert_eq!(text(&table).as_deref(), Some("new"));
}

fn an_older_record_does_not_bring_back_an_entry_that_has_expired(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    let soon = Timestamp::now().plus(Duration::from_millis(20));
    table.insert(record("a", "short-lived", soon).draft(), Timestamp::now());
    while Timestamp::now() <= soon {
        thread::yield_now();
    }
    // Before anyone swept, and after.
    assert_eq!(put_at(&table, 1, 5, -1, "older"), Inserted::Superseded);
    maintain_down_to(&table, 0);
    assert_eq!(put_at(&table, 1, 6, -1, "older"), Inserted::Superseded);
    assert_eq!(put_at(&table, 1, 7, 1, "newer"), Inserted::New);
    assert_counts_balance(&table);
}

fn an_older_record_that_is_too_large_deletes_nothing(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put_at(&table, 1, 5, 100, "new");
    let too_large = "x".repeat(usize::try_from(max_entry_bytes(MIN_CAPACITY_BYTES)).unwrap());
    assert_eq!(put_at(&table, 0, 9, 99, &too_large), Inserted::Superseded);
    assert_eq!(text(&table).as_deref(), Some("new"));
    assert_eq!(put_at(&table, 0, 10, 101, &too_large), Inserted::TooLarge);
    assert_eq!(text(&table), None);
}

fn a_table_with_versions_goes_by_them_in_one_partition_too(store: config::Store) {
    let table = ranked_table(store, MIN_CAPACITY_BYTES, RankedBy::Version);
    let put = |offset, version, text| {
        let at = Recency { rank: version, partition: 0, offset };
        table.insert(record_at(at, "a", text, in_an_hour()).draft(), Timestamp::now())
    };
    assert_eq!(put(1, 7, "seven"), Inserted::New);
    assert_eq!(put(2, 6, "six"), Inserted::Superseded);
    assert_eq!(put(3, 8, "eight"), Inserted::Replaced);
    let tombstone = Recency { rank: Recency::NO_VERSION, partition: 0, offset: 4 };
    assert_eq!(table.remove("a", Ghost::deleted_by(tombstone)), Removed::Entry);
    assert_eq!(put(5, 7, "seven"), Inserted::Superseded);
    assert_eq!(put(6, 9, "nine"), Inserted::New);
    assert_eq!(text(&table).as_deref(), Some("nine"));
}

fn an_entry_of_a_partition_that_is_removed_makes_room_for_its_new_log(store: config::Store) {
    let table = table(store, MIN_CAPACITY_BYTES);
    put_at(&table, 1, 500, 100, "of the old log");
    put(&table, "b", "of another partition", in_an_hour());
    table.remove("c", deleted_at(1, 501, 100));
    table.remove_partition(1);
    assert_eq!(text(&table), None);
    assert!(is_there(&table, "b"));
    for key in ["a", "c"] {
        assert_eq!(table.miss_reason(key, Timestamp::now()), MissReason::Unknown);
    }
    assert_eq!(put_at(&table, 1, 0, 0, "of the new log"), Inserted::New);
    assert_eq!(table.stats().removals.count(Removal::Deleted), 1);
    assert_counts_balance(&table);
}
