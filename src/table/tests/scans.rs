//! What a scan reads while a table changes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::*;

over_every_store! {
    a_scan_reads_every_live_entry_once_by_its_prefix
    keys_that_stay_are_read_once_while_others_come_go_and_are_replaced
}

/// How often each key is read by a scan, with its text.
fn scan(table: &Table, prefix: &str) -> BTreeMap<String, Vec<String>> {
    let (mut read, mut after) = (BTreeMap::<_, Vec<_>>::new(), None);
    loop {
        let part = table.scan_part(after, prefix);
        assert!(part.positions.is_sorted());
        for position in part.positions {
            table.read_at(position, prefix, Timestamp::now(), |key, entry| {
                read.entry(key.to_owned()).or_default().push(text_of(&entry.copy()));
            });
        }
        after = part.end;
        if after.is_none() {
            return read;
        }
    }
}

fn a_scan_reads_every_live_entry_once_by_its_prefix(store: config::Store) {
    // Room for several shards of the compact store.
    let table = table(store, 64 * MIB);
    for number in 0..40_000 {
        put(&table, &format!("{}/{number}", number % 4), "text", in_an_hour());
    }
    put(&table, "0/expired", "text", Timestamp::from_millis(1));
    assert_eq!(scan(&table, "").len(), 40_000);
    let read = scan(&table, "2/");
    assert_eq!(read.len(), 10_000);
    assert!(read.iter().all(|(key, texts)| key.starts_with("2/") && texts.len() == 1));
    assert!(scan(&table, "absent").is_empty());
}

fn keys_that_stay_are_read_once_while_others_come_go_and_are_replaced(store: config::Store) {
    const STAYING: usize = 20_000;
    let table = &table(store, 64 * MIB);
    for number in 0..STAYING {
        put(table, &format!("stays/{number}"), "first", in_an_hour());
    }
    let is_over = &AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                put(table, &format!("stays/{}", number % STAYING), "later", in_an_hour());
                put(table, &format!("comes/{number}"), "text", in_an_hour());
                table.remove(&format!("comes/{}", number.saturating_sub(5_000)), DELETED);
                number += 1;
            }
        });
        for _ in 0..5 {
            let read = scan(table, "");
            let staying = read.iter().filter(|(key, _)| key.starts_with("stays/")).count();
            assert_eq!(staying, STAYING);
            assert!(read.values().all(|texts| texts.len() == 1));
        }
        is_over.store(true, Ordering::Relaxed);
    });
}
