//! What changed from one snapshot to the next, a second.
//!
//! Counters become rates here. Without a snapshot before there are none, and after a restart of the
//! service neither.

use std::collections::HashMap;

use crate::proto::v1::{CallerStats, GetStatsResponse, PartitionStats, RemovalCause, TableStats};

/// The rates of a snapshot.
#[derive(Debug, Clone, Default)]
pub(super) struct Rates {
    tables: HashMap<String, TableRates>,
    /// By table, topic and partition.
    partitions: HashMap<(String, String, i32), f64>,
    /// By caller and table.
    callers: HashMap<(String, String), CallerRates>,
}

/// The rates of a caller's calls about a table, each a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct CallerRates {
    pub(super) calls: f64,
    pub(super) keys: f64,
    /// Seconds that threads worked, so the share of one core.
    pub(super) busy: f64,
}

/// The rates of a table, each a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct TableRates {
    pub(super) hits: f64,
    pub(super) misses: f64,
    /// Handled records of all its partitions.
    pub(super) records: f64,
    /// Entries that were evicted, for room or because memory was short.
    pub(super) evicted: f64,
    pub(super) expired: f64,
    pub(super) deleted: f64,
}

/// Two snapshots of one run of the service, and the time between them.
struct Between<'a> {
    before: &'a GetStatsResponse,
    now: &'a GetStatsResponse,
    seconds: f64,
}

impl Between<'_> {
    fn a_second(&self, before: i64, now: i64) -> f64 {
        count((now - before).max(0)) / self.seconds
    }

    fn partitions(&self) -> HashMap<(String, String, i32), f64> {
        let before = &self.before.partitions;
        let before: HashMap<_, _> =
            before.iter().map(|partition| (id(partition), partition.polled_count)).collect();
        let rate = |partition: &PartitionStats| {
            let now = partition.polled_count;
            let polled = before.get(&id(partition)).copied().unwrap_or(now);
            (owned_id(partition), self.a_second(polled, now))
        };
        self.now.partitions.iter().map(rate).collect()
    }

    /// None for a table that was not there before.
    fn table(&self, table: &TableStats, records: f64) -> Option<TableRates> {
        let before = self.before.tables.iter().find(|other| other.name == table.name)?;
        let removed = |causes: &[RemovalCause]| {
            self.a_second(removals(before, causes), removals(table, causes))
        };
        Some(TableRates {
            hits: self.a_second(before.hit_count, table.hit_count),
            misses: self.a_second(before.miss_count, table.miss_count),
            records,
            evicted: removed(&[RemovalCause::Evicted, RemovalCause::EvictedForPressure]),
            expired: removed(&[RemovalCause::Expired]),
            deleted: removed(&[RemovalCause::Deleted]),
        })
    }

    fn caller(&self, caller: &CallerStats) -> CallerRates {
        let none = CallerStats::default();
        let mut all = callers(self.before).iter();
        let before = all.find(|other| caller_id(other) == caller_id(caller)).unwrap_or(&none);
        let busy = |caller: &CallerStats| caller.busy_time.as_ref().map_or(0.0, seconds);
        CallerRates {
            calls: self.a_second(before.call_count, caller.call_count),
            keys: self.a_second(before.key_count, caller.key_count),
            busy: (busy(caller) - busy(before)).max(0.0) / self.seconds,
        }
    }
}

impl Rates {
    /// What changed between two snapshots. None if they are not of one run of the service, or if no
    /// time is between them.
    pub(super) fn between(before: &GetStatsResponse, now: &GetStatsResponse) -> Option<Self> {
        let seconds = seconds_of(now) - seconds_of(before);
        if before.start_time != now.start_time || seconds <= 0.0 {
            return None;
        }
        let between = Between { before, now, seconds };
        let partitions = between.partitions();
        let table = |table: &TableStats| {
            let own = partitions.iter().filter(|((name, ..), _)| *name == table.name);
            let rates = between.table(table, own.map(|(_, rate)| rate).sum())?;
            Some((table.name.clone(), rates))
        };
        let tables = now.tables.iter().filter_map(table).collect();
        let caller = |caller: &CallerStats| (owned_caller_id(caller), between.caller(caller));
        let callers = callers(now).iter().map(caller).collect();
        Some(Self { tables, partitions, callers })
    }

    pub(super) fn table(&self, name: &str) -> Option<TableRates> {
        self.tables.get(name).copied()
    }

    /// Records of a partition.
    pub(super) fn partition(&self, partition: &PartitionStats) -> Option<f64> {
        self.partitions.get(&owned_id(partition)).copied()
    }

    pub(super) fn caller(&self, caller: &CallerStats) -> Option<CallerRates> {
        self.callers.get(&owned_caller_id(caller)).copied()
    }

    /// The sum over all tables.
    pub(super) fn all_tables(&self) -> TableRates {
        self.tables.values().fold(TableRates::default(), |sum, rates| TableRates {
            hits: sum.hits + rates.hits,
            misses: sum.misses + rates.misses,
            records: sum.records + rates.records,
            evicted: sum.evicted + rates.evicted,
            expired: sum.expired + rates.expired,
            deleted: sum.deleted + rates.deleted,
        })
    }
}

impl TableRates {
    pub(super) fn lookups(self) -> f64 {
        self.hits + self.misses
    }

    /// The share of lookups that found an entry. None without lookups.
    pub(super) fn hit_ratio(self) -> Option<f64> {
        (self.lookups() > 0.0).then(|| self.hits / self.lookups())
    }
}

fn callers(stats: &GetStatsResponse) -> &[CallerStats] {
    stats.rpc.as_ref().map(|rpc| rpc.callers.as_slice()).unwrap_or_default()
}

fn caller_id(caller: &CallerStats) -> (&str, &str) {
    (&caller.caller, &caller.table)
}

fn owned_caller_id(caller: &CallerStats) -> (String, String) {
    (caller.caller.clone(), caller.table.clone())
}

fn id(partition: &PartitionStats) -> (&str, &str, i32) {
    (&partition.table, &partition.topic, partition.partition)
}

fn owned_id(partition: &PartitionStats) -> (String, String, i32) {
    let (table, topic, number) = id(partition);
    (table.to_owned(), topic.to_owned(), number)
}

fn removals(table: &TableStats, causes: &[RemovalCause]) -> i64 {
    let counted = table.removals.iter().filter(|removal| causes.contains(&removal.cause()));
    counted.map(|removal| removal.count).sum()
}

/// How long the service runs.
pub(super) fn seconds_of(stats: &GetStatsResponse) -> f64 {
    stats.uptime.as_ref().map_or(0.0, seconds)
}

pub(super) fn seconds(span: &prost_types::Duration) -> f64 {
    count(span.seconds) + f64::from(span.nanos) / 1e9
}

/// A number that is drawn, and may lose what nobody sees.
#[expect(clippy::cast_precision_loss, reason = "it is drawn with a few digits")]
pub(super) fn count(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::RemovalCount;

    fn stats(uptime: i64, hits: i64, polled: i64, evicted: i64) -> GetStatsResponse {
        let partition = |partition, polled_count| PartitionStats {
            table: "a".into(),
            topic: "t".into(),
            partition,
            polled_count,
            ..PartitionStats::default()
        };
        let removal = RemovalCount { cause: RemovalCause::Evicted.into(), count: evicted };
        let table = TableStats {
            name: "a".into(),
            hit_count: hits,
            miss_count: hits,
            removals: vec![removal],
            ..TableStats::default()
        };
        GetStatsResponse {
            start_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            uptime: Some(prost_types::Duration { seconds: uptime, nanos: 0 }),
            tables: vec![table],
            partitions: vec![partition(0, polled), partition(1, 2 * polled)],
            ..GetStatsResponse::default()
        }
    }

    #[test]
    fn rates_are_what_changed_a_second() {
        let rates = Rates::between(&stats(10, 100, 100, 0), &stats(12, 120, 110, 4)).unwrap();
        let table = rates.table("a").unwrap();
        assert_eq!((table.hits, table.misses, table.evicted), (10.0, 10.0, 2.0));
        assert_eq!((table.records, table.hit_ratio()), (15.0, Some(0.5)));
        assert_eq!(rates.partition(&stats(0, 0, 0, 0).partitions[1]), Some(10.0));
        assert_eq!(rates.all_tables(), table);
    }

    #[test]
    fn there_are_no_rates_across_a_restart_or_without_time_between() {
        let before = stats(10, 100, 100, 0);
        assert!(Rates::between(&before, &before).is_none());
        let start_time = Some(prost_types::Timestamp { seconds: 2, nanos: 0 });
        let restarted = GetStatsResponse { start_time, ..stats(12, 0, 0, 0) };
        assert!(Rates::between(&before, &restarted).is_none());
        assert_eq!(TableRates::default().hit_ratio(), None);
    }
}
