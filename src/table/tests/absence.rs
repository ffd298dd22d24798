//! A miss is explained: with the reason that is true, or with none.

use super::*;

fn why(table: &Table, key: &str) -> Absence {
    let now = Timestamp::now();
    assert!(table.peek(key, now).is_none(), "{key} is there");
    table.why_absent(key, now)
}

#[test]
fn a_key_is_never_seen_until_a_record_of_it_comes() {
    let table = table(MIN_CAPACITY_BYTES);
    assert_eq!(why(&table, "a"), Absence::NeverSeen);
    table.insert(record("a", "first", in_an_hour()));
    table.remove("a", DELETED);
    assert_eq!(why(&table, "a"), Absence::Gone(DELETED));
    table.remove("never stored", DELETED);
    assert_eq!(why(&table, "never stored"), Absence::Gone(DELETED), "its tombstone was seen");
}

#[test]
fn an_expired_entry_is_called_expired_before_and_after_it_is_swept() {
    let table = table(MIN_CAPACITY_BYTES);
    let soon = Timestamp::now().plus(Duration::from_millis(30));
    table.insert(record("asked", "text", soon));
    table.insert(record("swept", "old text", soon));
    table.insert(record("swept", "text", soon));
    table.insert(record("later", "text", in_an_hour()));
    let expired = Absence::Gone(Gone::Expired(soon));
    assert_eq!(table.why_absent("asked", soon), expired, "by the time of the question");
    while Timestamp::now() < soon {
        thread::yield_now();
    }
    assert_eq!(why(&table, "asked"), expired, "not swept by anyone yet");
    while table.stats().entry_count > 1 {
        table.maintain();
        thread::yield_now();
    }
    assert_eq!(why(&table, "swept"), expired);
    assert_eq!(table.stats().removals.count(Removal::Expired), 2);
    assert_books_balance(&table);
}

#[test]
fn a_tombstone_for_an_expired_entry_is_what_is_told_also_after_the_sweep() {
    let table = table(MIN_CAPACITY_BYTES);
    let soon = Timestamp::now().plus(Duration::from_millis(5));
    table.insert(record("a", "text", soon));
    while Timestamp::now() <= soon {
        thread::yield_now();
    }
    table.remove("a", DELETED);
    while table.stats().entry_count > 0 {
        table.maintain();
        thread::yield_now();
    }
    assert_eq!(why(&table, "a"), Absence::Gone(DELETED));
    assert_books_balance(&table);
}

#[test]
fn an_evicted_entry_is_called_evicted_with_the_time_that_it_was() {
    let table = table(1 << 20);
    let before = Timestamp::now();
    let count = 5_000;
    for n in 0..count {
        table.insert(record(&format!("key-{n}"), "text", in_an_hour()));
    }
    let gone = (0..count).filter(|n| table.peek(&format!("key-{n}"), before).is_none());
    let whys: Vec<_> = gone.map(|n| why(&table, &format!("key-{n}"))).collect();
    let evicted = |why: &&Absence| matches!(why, Absence::Gone(Gone::Evicted(time)) if (before..=Timestamp::now()).contains(time));
    let told = whys.iter().filter(evicted).count();
    let unknown = whys.iter().filter(|why| **why == Absence::Unknown).count();
    assert_eq!(told + unknown, whys.len(), "no other reason is given");
    assert!(told > 500, "{told} of {}", whys.len());
}

#[test]
fn a_key_that_comes_back_and_leaves_again_has_its_newest_reason() {
    let table = table(MIN_CAPACITY_BYTES);
    table.remove("a", DELETED);
    table.insert(record("a", "text", in_an_hour()));
    assert!(table.get("a", Timestamp::now()).is_some());
    let again = Gone::Deleted { partition: 0, offset: 99 };
    table.remove("a", again);
    assert_eq!(why(&table, "a"), Absence::Gone(again));
}

#[test]
fn a_record_that_is_too_large_is_what_deleted_its_key() {
    let table = table(MIN_CAPACITY_BYTES);
    table.insert(record("a", "small", in_an_hour()));
    let giant = "x".repeat(usize::try_from(max_entry_bytes(MIN_CAPACITY_BYTES)).unwrap());
    table.insert(record("a", &giant, in_an_hour()));
    assert_eq!(why(&table, "a"), Absence::Gone(Gone::Deleted { partition: 0, offset: 7 }));
}

#[test]
fn what_remembers_keys_counts_as_the_tables_and_leaves_room_for_entries_whatever_its_level() {
    let table = table(16 << 20);
    let stats = table.stats();
    assert!(stats.gone_bytes > 200 << 10, "{stats:?}");
    assert_eq!((stats.weight_bytes, stats.capacity_bytes), (stats.gone_bytes, 16 << 20));
    table.set_level(MIN_CAPACITY_BYTES, 0);
    table.insert(record("a", "text", in_an_hour()));
    assert!(table.get("a", Timestamp::now()).is_some(), "{:?}", table.stats());
    assert!(table.stats().weight_bytes <= table.stats().level_bytes);
}

#[test]
fn entries_that_readers_sweep_leave_no_weight_behind() {
    let table = table(MIN_CAPACITY_BYTES);
    for n in 0..2_000 {
        let (before, after) = if n % 2 == 0 { (10, 900) } else { (900, 10) };
        let key = format!("key-{n}");
        let soon = Timestamp::now().plus(Duration::from_millis(1));
        table.insert(record(&key, &"x".repeat(before), soon));
        table.insert(record(&key, &"x".repeat(after), soon));
        while Timestamp::now() < soon {
            thread::yield_now();
        }
        table.why_absent(&key, Timestamp::now());
    }
    table.maintain();
    let stats = table.stats();
    assert_eq!(table.store.settled_bytes(), stats.weight_bytes - stats.gone_bytes);
    assert_books_balance(&table);
}
