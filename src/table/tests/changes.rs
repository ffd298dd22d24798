//! What those who watch a table are told: whoever follows the changes has what the table has.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::*;

over_every_store! {
    every_change_is_told_once_with_its_cause
    a_copy_that_follows_the_changes_has_what_a_full_table_has
    a_copy_that_begins_in_the_middle_with_a_scan_misses_nothing
}

/// A copy of a table: the offset of each entry, and when it expires.
#[derive(Debug, Default, PartialEq)]
struct Copy(BTreeMap<String, (i64, Timestamp)>);

impl Copy {
    fn apply(&mut self, change: &Change<'_>) {
        match change.kind {
            ChangeKind::Stored { fields, .. } => {
                assert_eq!(fields.values().count(), 1);
                self.0.insert(change.key.to_owned(), (change.origin.offset, change.expires_at));
            }
            ChangeKind::Removed { removal, .. } => {
                let removed = self.0.remove(change.key).map(|(offset, _)| offset);
                // A scan leaves out what has expired, and may be removed later.
                let is_left_out = removed.is_none() && removal == Removal::Expired;
                assert!(is_left_out || removed == Some(change.origin.offset), "{change:?}");
            }
        }
    }

    /// Follows the changes up to the last one.
    fn follow(&mut self, reader: &mut ChangeReader) {
        while reader.position() < reader.end() {
            each_change(reader, |change| self.apply(change));
        }
    }

    /// Fails unless it is what the table has, once it has followed the last change.
    fn assert_becomes(mut self, table: &Table, reader: &mut ChangeReader) {
        let scanned = loop {
            self.follow(reader);
            let scanned = Self::scanned(table);
            // Reads make moka do what it put off.
            if reader.position() == reader.end() {
                break scanned;
            }
        };
        // An expired entry is removed some time later.
        let now = Timestamp::now();
        let live = |copy: &Self| {
            let live = copy.0.iter().filter(|(_, (_, expires_at))| *expires_at > now);
            live.map(|(key, entry)| (key.clone(), *entry)).collect::<Vec<_>>()
        };
        let (own, scanned) = (live(&self), live(&scanned));
        let differing = own.iter().filter(|entry| !scanned.contains(entry));
        let lacking = scanned.iter().filter(|entry| !own.contains(entry));
        assert!(
            own == scanned,
            "{:?}, {:?}",
            differing.collect::<Vec<_>>(),
            lacking.collect::<Vec<_>>()
        );
    }

    /// What a scan finds.
    fn scanned(table: &Table) -> Self {
        let (mut copy, mut after) = (Self::default(), None);
        loop {
            let part = table.scan_part(after, "");
            for position in part.positions {
                table.read_at(position, "", Timestamp::now(), |key, entry| {
                    copy.0.insert(key.to_owned(), (entry.origin.offset, entry.expires_at));
                });
            }
            after = part.end;
            if after.is_none() {
                return copy;
            }
        }
    }
}

fn each_change(reader: &mut ChangeReader, mut show: impl FnMut(&Change<'_>)) {
    let mut changes = Changes::default();
    reader.read(1 << 20, &mut changes).unwrap();
    let mut position = 0;
    changes.iter().for_each(|change| {
        show(&change);
        position = change.position;
    });
    assert_eq!(position, reader.position());
}

fn put_at(table: &Table, offset: i64, key: &str, text: &str, expires_at: Timestamp) -> Inserted {
    let record = record_at(recency(0, offset), key, text, expires_at);
    table.insert(record.draft(), Timestamp::now())
}

fn every_change_is_told_once_with_its_cause(store: config::Store) {
    let table = watched_table(store, 8 * MIB);
    put_at(&table, 0, "before", "text", in_an_hour());
    let mut reader = table.watch();
    put_at(&table, 1, "a", "first", in_an_hour());
    put_at(&table, 2, "a", "second", in_an_hour());
    assert_eq!(put_at(&table, 1, "a", "late", in_an_hour()), Inserted::Superseded);
    table.remove("a", Ghost::deleted_by(recency(0, 3)));
    table.remove("a", Ghost::deleted_by(recency(0, 4)));
    put_at(&table, 5, "b", "text", Timestamp::now().plus(Duration::from_millis(20)));
    maintain_down_to(&table, 1);
    table.remove_partition(0);
    let mut told = Vec::new();
    each_change(&mut reader, |change| {
        let kind = match change.kind {
            ChangeKind::Stored { replaced, .. } => format!("stored, replaced: {replaced}"),
            ChangeKind::Removed { removal, by } => format!("{removal:?} by {by:?}"),
        };
        told.push((change.key.to_owned(), change.origin.offset, kind));
    });
    let expected = [
        ("a", 1, "stored, replaced: false"),
        ("a", 2, "stored, replaced: true"),
        ("a", 2, "Deleted by Some((0, 3))"),
        ("b", 5, "stored, replaced: false"),
        ("b", 5, "Expired by None"),
        ("before", 0, "Deleted by None"),
    ];
    let expected = expected.map(|(key, offset, kind)| (key.to_owned(), offset, kind.to_owned()));
    assert_eq!(told, expected);
}

/// Stores, replaces, removes and lets expire entries of some thousand keys, until that is over.
fn change(table: &Table, seed: i64, is_over: impl Fn(i64) -> bool) {
    let mut offset = seed;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ seed.cast_unsigned();
    while !is_over(offset) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let key = format!("key-{}", (state >> 40) % 4_000);
        match (state >> 33) % 10 {
            0 => drop(table.remove(&key, Ghost::deleted_by(recency(0, offset)))),
            1 => {
                let soon = Timestamp::now().plus(Duration::from_millis(30));
                put_at(table, offset, &key, "soon gone", soon);
            }
            2 => drop(put_at(table, offset, &key, &"long ".repeat(100), in_an_hour())),
            _ => drop(put_at(table, offset, &key, "text", in_an_hour())),
        }
        offset += 2;
    }
}

/// Lets two threads change the table, and one maintain it, until `work` is done.
fn while_it_changes(table: &Table, work: impl FnOnce()) {
    let is_over = &AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in [0, 1] {
            scope.spawn(move || change(table, seed, |_| is_over.load(Ordering::Relaxed)));
        }
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                table.maintain();
            }
        });
        work();
        is_over.store(true, Ordering::Relaxed);
    });
}

fn a_copy_that_follows_the_changes_has_what_a_full_table_has(store: config::Store) {
    // An eighth of what the keys take.
    let table = &watched_table(store, MIB / 4);
    let (mut reader, mut copy) = (table.watch(), Copy::default());
    while_it_changes(table, || {
        while reader.position() < 4 << 20 {
            copy.follow(&mut reader);
        }
    });
    copy.assert_becomes(table, &mut reader);
    let removals = table.stats().removals;
    for removal in Removal::ALL {
        assert!(
            removals.count(removal) > 0 || removal == Removal::EvictedForPressure,
            "{removal:?}"
        );
    }
}

fn a_copy_that_begins_in_the_middle_with_a_scan_misses_nothing(store: config::Store) {
    let table = &watched_table(store, 16 * MIB);
    let mut copies = Vec::new();
    while_it_changes(table, || {
        for _ in 0..20 {
            let reader = table.watch();
            copies.push((reader, Copy::scanned(table)));
        }
    });
    for (mut reader, mut copy) in copies {
        let end = reader.end();
        while reader.position() < end {
            // What the scan found may be newer than these, or gone already.
            each_change(&mut reader, |change| {
                copy.0.remove(change.key);
                if matches!(change.kind, ChangeKind::Stored { .. }) {
                    copy.apply(change);
                }
            });
        }
        copy.assert_becomes(table, &mut reader);
    }
}
