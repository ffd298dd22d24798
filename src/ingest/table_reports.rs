//! What is told of each table: once that it is ready, once that it is full, and once a minute that it
//! takes nothing of what it is given, or that it waits for a transaction to be ready.
//!
//! The same lines stand in the detail of readiness, beside the state of Kafka and of the topics.
//! This file must not know Kafka's client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::health::TableHealth;
use crate::record::Reject;
use crate::stats::{Outcome, PartitionStats};
use crate::table::{Removal, Table};

/// For how long a table takes nothing before that is told.
const NOTHING_FOR: Duration = Duration::from_secs(5);
/// How often it is told again.
const LOG_AFTER: Duration = Duration::from_secs(60);

/// How often tables are looked at that are all ready.
const LOOK_AFTER: Duration = Duration::from_secs(5);

pub(super) struct TableReports {
    tables: Vec<TableReport>,
    look_at: Instant,
    transactions_logged: Option<Instant>,
}

struct TableReport {
    table: Arc<Table>,
    is_ready_told: bool,
    is_full_told: bool,
    idle: Idle,
}

/// Since when a table has taken nothing.
#[derive(Debug)]
struct Idle {
    /// The counts when it took something last, or at the start.
    base: Counts,
    since: Instant,
    logged: Option<Instant>,
}

/// How many records of a table came to each kind of outcome, over all its partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counts {
    /// Stored, replaced, deleted, or older than what the table has.
    taken: u64,
    filtered: u64,
    expired: u64,
    /// By reason, each at its index.
    rejected: [u64; Reject::ALL.len()],
    /// The offsets before those at which the partitions were started.
    before_start: u64,
}

impl TableReports {
    pub(super) fn new(tables: impl Iterator<Item = Arc<Table>>, now: Instant) -> Self {
        let report = |table| TableReport {
            table,
            is_ready_told: false,
            is_full_told: false,
            idle: Idle::new(now),
        };
        Self { tables: tables.map(report).collect(), look_at: now, transactions_logged: None }
    }

    /// Logs what is to be told now, and sets the detail of readiness.
    pub(super) fn update(&mut self, shared: &Shared, now: Instant) {
        if now < self.look_at {
            return;
        }
        let partitions = shared.partitions();
        let mut notes = shared.notes();
        for report in &mut self.tables {
            let own = partitions.iter().filter(|each| each.table == report.table.name());
            let (counts, loading) = (Counts::of(own.clone()), loading_text(own));
            let is_ready =
                shared.health.table(report.table.name()).is_some_and(TableHealth::is_ready);
            report.tell_ready(&counts, is_ready);
            report.tell_full();
            let nothing = report.tell_nothing(&counts, now);
            let name = report.table.name();
            notes.extend(nothing.map(|text| format!("table {name} takes nothing: {text}")));
            notes.extend((!is_ready).then(|| format!("table {name} is loading{loading}")));
        }
        shared.health.set_notes(notes);
        self.log_transactions(&shared.awaited_transactions(), now);
        if self.tables.iter().all(|report| report.is_ready_told) {
            self.look_at = now + LOOK_AFTER;
        }
    }
}

impl TableReports {
    fn log_transactions(&mut self, awaited: &[String], now: Instant) {
        let is_due = self.transactions_logged.is_none_or(|logged| now - logged >= LOG_AFTER);
        if awaited.is_empty() || !is_due {
            return;
        }
        self.transactions_logged = Some(now);
        for text in awaited {
            tracing::warn!(
                "{text}; kafka-transactions.sh aborts a transaction that its producer has left open"
            );
        }
    }
}

impl TableReport {
    fn tell_ready(&mut self, counts: &Counts, is_ready: bool) {
        if !is_ready || self.is_ready_told {
            return;
        }
        self.is_ready_told = true;
        let (mostly, rejected) = (counts.top_reject(), counts.rejected.iter().sum::<u64>());
        tracing::info!(
            table = self.table.name(),
            entries = self.table.stats().entry_count,
            records = counts.handled(),
            filtered = counts.filtered,
            rejected,
            rejected_mostly_for = mostly.map(|(reject, _)| reject.name()),
            older_than_ttl = counts.expired,
            offsets_before_start = counts.before_start,
            "the table is ready"
        );
    }

    /// Tells the first eviction, from which on callers may miss entries.
    fn tell_full(&mut self) {
        if self.is_full_told {
            return;
        }
        let stats = self.table.stats();
        if stats.removals.count(Removal::Evicted) == 0 {
            return;
        }
        self.is_full_told = true;
        tracing::info!(
            table = self.table.name(),
            entries = stats.entry_count,
            capacity_bytes = stats.capacity_bytes,
            "the table is full: entries are evicted for newer ones"
        );
    }

    /// What became of all records, if the table has taken nothing for a while.
    fn tell_nothing(&mut self, counts: &Counts, now: Instant) -> Option<String> {
        let (lost, is_due) = self.idle.observe(counts, now)?;
        let text = lost.in_words();
        if is_due {
            tracing::warn!(
                table = self.table.name(),
                records = text,
                "the table takes nothing of what it is given: see millpond rejections, and key, \
                 fields, ttl and only_when of the table"
            );
        }
        Some(text)
    }
}

impl Idle {
    fn new(now: Instant) -> Self {
        Self { base: Counts::default(), since: now, logged: None }
    }

    /// The records since the last one that was taken, if they have been lost for a while, and
    /// whether that is to be logged. Records that were only filtered are not lost.
    fn observe(&mut self, counts: &Counts, now: Instant) -> Option<(Counts, bool)> {
        let lost = counts.since(&self.base);
        if lost.taken > 0 || lost.handled() == lost.filtered {
            (self.base, self.since) = (counts.clone(), now);
            return None;
        }
        if now.duration_since(self.since) < NOTHING_FOR {
            return None;
        }
        let is_due = self.logged.is_none_or(|logged| now.duration_since(logged) >= LOG_AFTER);
        if is_due {
            self.logged = Some(now);
        }
        Some((lost, is_due))
    }
}

impl Counts {
    fn of<'a>(partitions: impl Iterator<Item = &'a PartitionStats>) -> Self {
        let mut counts = Self::default();
        for partition in partitions {
            counts.before_start += u64::try_from(partition.start).unwrap_or(0);
            for &(outcome, count) in &partition.outcomes {
                *counts.of_outcome(outcome) += count;
            }
        }
        counts
    }

    fn of_outcome(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Filtered => &mut self.filtered,
            Outcome::ExpiredOnArrival => &mut self.expired,
            Outcome::Rejected(reject) => &mut self.rejected[reject as usize],
            _ => &mut self.taken,
        }
    }

    fn handled(&self) -> u64 {
        self.taken + self.filtered + self.expired + self.rejected.iter().sum::<u64>()
    }

    fn since(&self, base: &Self) -> Self {
        let mut since = self.clone();
        since.taken -= base.taken.min(self.taken);
        since.filtered -= base.filtered.min(self.filtered);
        since.expired -= base.expired.min(self.expired);
        for (now, before) in since.rejected.iter_mut().zip(base.rejected) {
            *now -= before.min(*now);
        }
        since
    }

    fn top_reject(&self) -> Option<(Reject, u64)> {
        let counted = Reject::ALL.into_iter().zip(self.rejected);
        counted.filter(|(_, count)| *count > 0).max_by_key(|(_, count)| *count)
    }

    fn in_words(&self) -> String {
        let rejected = self.rejected.iter().sum::<u64>();
        let mut parts = Vec::new();
        if let Some((reject, _)) = self.top_reject() {
            parts.push(format!("{rejected} rejected, mostly for {}", reject.name()));
        }
        if self.expired > 0 {
            parts.push(format!("{} older than the time to live", self.expired));
        }
        if self.filtered > 0 {
            parts.push(format!("{} filtered", self.filtered));
        }
        parts.join("; ")
    }
}

/// How much is left to read, if that is known.
fn loading_text<'a>(partitions: impl Iterator<Item = &'a PartitionStats>) -> String {
    let loading: Vec<_> = partitions.filter_map(|each| each.loading).collect();
    let remaining = loading.iter().map(|each| each.remaining_records).sum::<u64>();
    if loading.is_empty() { String::new() } else { format!(": {remaining} records to go") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn partition(outcomes: &[(Outcome, u64)]) -> PartitionStats {
        PartitionStats { outcomes: outcomes.to_vec(), ..PartitionStats::default() }
    }

    fn counts(outcomes: &[(Outcome, u64)]) -> Counts {
        Counts::of([partition(outcomes)].iter())
    }

    const MISSING_KEY: Outcome = Outcome::Rejected(Reject::MissingKey);

    #[test]
    fn a_table_that_takes_nothing_is_told_after_a_moment_and_then_once_a_minute() {
        let start = Instant::now();
        let mut idle = Idle::new(start);
        let lost = counts(&[(MISSING_KEY, 3), (Outcome::Rejected(Reject::InvalidJson), 1)]);
        assert_eq!(idle.observe(&lost, start + SECOND), None);
        let told = idle.observe(&lost, start + 5 * SECOND).unwrap();
        assert!(told.1);
        assert_eq!(told.0.in_words(), "4 rejected, mostly for missing_key");
        assert!(!idle.observe(&lost, start + 6 * SECOND).unwrap().1);
        assert!(idle.observe(&lost, start + 65 * SECOND).unwrap().1);
    }

    #[test]
    fn a_table_that_takes_some_records_or_filters_all_is_not_told() {
        let start = Instant::now();
        let mut idle = Idle::new(start);
        let some = counts(&[(MISSING_KEY, 100), (Outcome::Stored, 1)]);
        assert_eq!(idle.observe(&some, start + 60 * SECOND), None);
        assert_eq!(idle.observe(&some, start + 120 * SECOND), None, "nothing came");
        let filtered = counts(&[(MISSING_KEY, 100), (Outcome::Stored, 1), (Outcome::Filtered, 50)]);
        assert_eq!(idle.observe(&filtered, start + 180 * SECOND), None);
    }

    #[test]
    fn only_what_came_since_the_last_record_that_was_taken_counts() {
        let start = Instant::now();
        let mut idle = Idle::new(start);
        idle.observe(&counts(&[(MISSING_KEY, 100), (Outcome::Deleted, 1)]), start);
        let later = [(MISSING_KEY, 100), (Outcome::Deleted, 1), (Outcome::ExpiredOnArrival, 7)];
        let (lost, _) = idle.observe(&counts(&later), start + 10 * SECOND).unwrap();
        assert_eq!(lost.in_words(), "7 older than the time to live");
    }

    #[test]
    fn counts_are_the_sums_over_all_partitions() {
        let one =
            PartitionStats { start: 5, ..partition(&[(MISSING_KEY, 1), (Outcome::Stored, 2)]) };
        let other = PartitionStats { start: 7, ..partition(&[(MISSING_KEY, 3)]) };
        let counts = Counts::of([one, other].iter());
        assert_eq!((counts.handled(), counts.before_start), (6, 12));
        assert_eq!(counts.top_reject(), Some((Reject::MissingKey, 4)));
    }
}
