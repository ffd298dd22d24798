//! What the tiers keep of the snapshots, and what they take for it.

use std::time::Duration;

use super::*;
use crate::heap::Account;

fn history() -> History {
    History::new(["services".to_owned()])
}

/// The service at a second, which has had so many hits and uses so much memory.
fn snapshot(second: u64, hits: u64, usage_bytes: u64) -> Arc<Snapshot> {
    let mut snapshot = Snapshot::example();
    snapshot.uptime = Duration::from_secs(second);
    snapshot.tables[0].hit_count = hits;
    snapshot.memory.current_bytes = usage_bytes;
    snapshot.memory.census.rss_bytes = usage_bytes + 1;
    Arc::new(snapshot)
}

/// The values of a series of the service, or of the table.
fn values(history: &History, tier: usize, name: &str) -> Vec<f32> {
    let names: Vec<_> =
        Layout::of_service().chain(Layout::of_table()).map(|kind| kind.name).collect();
    let place = names.iter().position(|found| *found == name).unwrap();
    let part = history.part(tier, 0, usize::MAX).unwrap();
    assert!(!part.has_more);
    part.rows.iter().map(|row| row.values[place]).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
fn whole(value: f32) -> u64 {
    value as u64
}

#[test]
fn counters_are_kept_as_growth_whose_sum_is_the_same_in_every_tier() {
    let history = history();
    for second in 0..125 {
        history.observe(second, &snapshot(second, 10 + second * second, 1));
    }
    assert_eq!(&values(&history, 0, "hits")[..4], [10.0, 1.0, 3.0, 5.0]);
    for tier in 0..TIERS.len() {
        let hits = values(&history, tier, "hits");
        assert_eq!(whole(hits.iter().sum()), 10 + 124 * 124, "tier {tier}");
    }
    assert_eq!(values(&history, 1, "hits").len(), 13);
    assert_eq!(values(&history, 2, "hits").len(), 3);
}

#[test]
fn a_coarse_sample_has_the_memory_of_the_second_with_most_of_it() {
    let history = history();
    for (second, usage) in [(0, 5), (1, 9), (2, 7), (10, 3)] {
        history.observe(second, &snapshot(second, 0, usage));
    }
    assert_eq!(values(&history, 1, "memory.usage"), [9.0, 3.0]);
    assert_eq!(values(&history, 1, "memory.rss"), [10.0, 4.0]);
}

#[test]
fn a_tier_keeps_its_newest_samples_and_says_what_is_left_out() {
    let history = history();
    for second in (0..2_000).filter(|second| *second != 1_990) {
        history.observe(second, &snapshot(second, second, 1));
    }
    let part = history.part(0, 0, 10).unwrap();
    let numbers: Vec<_> = part.rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1_100..1_110).collect::<Vec<_>>());
    assert!(part.has_more);
    let hits = values(&history, 0, "hits");
    assert_eq!(hits.len(), 900);
    assert!(hits[890].is_nan(), "nothing is known of a second that was left out");
    assert_eq!(whole(hits[891]), 2);
    let newest = history.part(0, 1_999, 10).unwrap();
    assert_eq!((newest.rows.len(), newest.has_more), (1, false));
    assert_eq!(history.part(0, 5_000, 10).unwrap().rows, []);
    assert_eq!(history.part(3, 0, 10), None);
}

#[test]
fn an_empty_past_has_no_samples() {
    let history = history();
    assert_eq!(history.part(0, 0, 10).unwrap().rows, []);
    assert_eq!(history.marks(0), []);
}

#[test]
fn a_table_past_the_last_with_series_of_its_own_counts_with_that_one() {
    let mut many = Snapshot::example();
    let of_one = many.tables[0].clone();
    many.tables.clear();
    for n in 0..20 {
        let mut table = of_one.clone();
        (table.name, table.entry_count) = (format!("t{n}"), 1);
        many.tables.push(table);
    }
    let history = History::new(many.tables.iter().map(|table| table.name.clone()));
    history.observe(0, &Arc::new(many));
    assert!(history.layout().is_last_shared());
    let row = &history.part(0, 0, 1).unwrap().rows[0].values;
    let (of_service, of_table) = (Layout::of_service().count(), Layout::of_table().count());
    let entries: f32 = (0..16).map(|table| row[of_service + table * of_table + 1]).sum();
    assert_eq!((row.len(), entries), (of_service + 16 * of_table, 20.0));
}

#[test]
fn it_takes_what_the_budget_has_for_it() {
    for tables in [1, 3] {
        let account = Account::open().unwrap();
        let names = (0..tables).map(|n| format!("table{n}"));
        let history = account.charge(|| History::new(names));
        for second in 0..1_000 {
            account.charge(|| {
                history.past.lock().marks.add(
                    Timestamp::from_millis(second),
                    MarkKind::State,
                    &"x".repeat(1_000),
                );
            });
        }
        let taken = heap::read([&account]).accounts[0].allocated_bytes;
        let budgeted = History::bytes(tables);
        assert!(taken <= budgeted && taken * 10 > budgeted * 7, "{taken} of {budgeted} B");
    }
}

#[test]
fn changes_are_marked_once_with_their_time() {
    let history = history();
    history.observe(0, &snapshot(0, 0, 1));
    let mut ready = Snapshot::clone(&snapshot(1, 0, 1));
    ready.freshness[0].is_ready = true;
    for second in 1..4 {
        history.observe(second, &Arc::new(ready.clone()));
    }
    let mut pressed = ready.clone();
    pressed.memory.pressure.observe(95, 100);
    pressed.partitions[0].retention_gap_records = 7;
    history.observe(4, &Arc::new(pressed));
    let marks = history.marks(0);
    let texts: Vec<_> = marks.iter().map(|mark| &*mark.text).collect();
    assert_eq!(
        texts,
        [
            "millpond started",
            "table services is ready",
            "memory pressure: purging, was normal",
            "topic events: retention removed 7 records unread",
        ]
    );
    assert_eq!(marks[1].time, ready.started.plus(ready.uptime));
}
