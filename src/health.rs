//! Three states of the service, kept apart: live, ready and fresh.
//!
//! *Live* means that the poll loops turn. It never depends on Kafka. *Ready* means that every
//! table has caught up with its topic once. A later outage does not take readiness away,
//! because the loaded entries can still be served. *Fresh* says how long ago a table was known
//! to have every record of its partitions. Ingest reports to this module, and the servers read
//! it. It must not know Kafka's client, nor any protocol that the states are served over.

mod progress;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};

pub use progress::{PartitionStart, Progress};

/// A poll loop that has not turned for this long is stuck. A turn waits for records for a
/// fraction of a second, and plucking the largest document takes a few seconds at worst.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// The states of one service. Share it by reference count.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    tables: Vec<TableHealth>,
    /// When the poll loop of each thread turned last, in milliseconds since the start.
    last_turns: Vec<AtomicU64>,
    ready: watch::Sender<bool>,
    /// What an operator should know of the stream and the tables, in a line each.
    notes: RwLock<Vec<String>>,
}

/// The state of one table.
#[derive(Debug)]
pub struct TableHealth {
    name: String,
    /// How many threads have not loaded their partitions of the table yet.
    loading_threads: AtomicUsize,
    /// Every partition that the topic is known to have or to have had.
    partitions: RwLock<BTreeMap<i32, Arc<Progress>>>,
    partition_added: Notify,
    /// How often somebody asked for a look at the topic's partitions.
    requested_looks: AtomicU64,
}

impl Health {
    /// No table is ready until each of the `threads` has marked it as loaded.
    pub fn new(tables: impl IntoIterator<Item = String>, threads: usize) -> Arc<Self> {
        let loading = |name| TableHealth {
            name,
            loading_threads: AtomicUsize::new(threads),
            partitions: RwLock::default(),
            partition_added: Notify::new(),
            requested_looks: AtomicU64::new(0),
        };
        Arc::new(Self {
            started: Instant::now(),
            tables: tables.into_iter().map(loading).collect(),
            last_turns: (0..threads).map(|_| AtomicU64::new(0)).collect(),
            ready: watch::Sender::new(false),
            notes: RwLock::default(),
        })
    }

    /// Whether every poll loop still turns.
    pub fn is_live(&self) -> bool {
        self.stuck_threads().next().is_none()
    }

    /// The numbers of the threads whose poll loops do not turn.
    pub fn stuck_threads(&self) -> impl Iterator<Item = usize> {
        let now = self.elapsed_millis();
        let stuck_after = u64::try_from(STUCK_AFTER.as_millis()).unwrap_or(u64::MAX);
        let is_stuck =
            move |turn: &AtomicU64| now.saturating_sub(turn.load(Ordering::Relaxed)) >= stuck_after;
        let turns = self.last_turns.iter().enumerate();
        turns.filter(move |(_, turn)| is_stuck(turn)).map(|(thread, _)| thread)
    }

    /// Whether every table has caught up once.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// The state of each table, in the order of the configuration.
    pub fn tables(&self) -> impl Iterator<Item = &TableHealth> {
        self.tables.iter()
    }

    /// The state of the table of that name.
    pub fn table(&self, name: &str) -> Option<&TableHealth> {
        self.tables().find(|table| table.name == name)
    }

    /// Changes whenever a table becomes ready. Its value is [`Self::is_ready`].
    pub fn watch_ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// What an operator should know of the stream and the tables, in a line each. Empty while all
    /// is well.
    pub fn notes(&self) -> Vec<String> {
        self.notes.read().clone()
    }

    /// Replaces the notes.
    pub fn set_notes(&self, notes: Vec<String>) {
        *self.notes.write() = notes;
    }

    /// Notes that the poll loop of a thread has turned.
    pub fn observe_turn(&self, thread: usize) {
        if let Some(turn) = self.last_turns.get(thread) {
            turn.store(self.elapsed_millis(), Ordering::Relaxed);
        }
    }

    /// One thread's handles, one for each table.
    pub fn table_handles(self: &Arc<Self>) -> Vec<TableHandle> {
        let handle = |table| TableHandle {
            health: Arc::clone(self),
            table,
            is_loaded: false,
            noticed_looks: 0,
        };
        (0..self.tables.len()).map(handle).collect()
    }

    fn mark_loaded(&self, table: usize) {
        self.tables[table].loading_threads.fetch_sub(1, Ordering::AcqRel);
        if self.tables[table].is_ready() {
            self.ready.send_modify(|ready| *ready = self.tables().all(TableHealth::is_ready));
        }
    }

    fn elapsed_millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl TableHealth {
    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has caught up once.
    pub fn is_ready(&self) -> bool {
        self.loading_threads.load(Ordering::Acquire) == 0
    }

    /// How long ago, at `now`, the table was last known to have all that its partitions had;
    /// none before it was.
    pub fn staleness(&self, now: Instant) -> Option<Duration> {
        if !self.is_ready() {
            // Some partitions may not have been started yet.
            return None;
        }
        let partitions = self.partitions.read();
        let existing = partitions.values().filter(|progress| !progress.is_removed());
        let complete_at = existing.map(|progress| progress.complete_at());
        // None sorts before all times.
        complete_at.min()?.map(|complete_at| now.saturating_duration_since(complete_at))
    }

    /// Its progress in a partition; none where the topic is not known to have it.
    pub fn progress(&self, partition: i32) -> Option<Arc<Progress>> {
        let partitions = self.partitions.read();
        partitions.get(&partition).map(Arc::clone)
    }

    /// The last record that was handled in each partition, or passed over: its partition and offset.
    pub fn positions(&self) -> Vec<(i32, i64)> {
        let partitions = self.partitions.read();
        let existing = partitions.iter().filter(|(_, progress)| !progress.is_removed());
        let positions =
            existing.map(|(&partition, progress)| (partition, progress.next_offset() - 1));
        positions.filter(|(_, offset)| *offset >= 0).collect()
    }

    /// Completes when the next partition becomes known.
    pub fn partition_added(&self) -> Notified<'_> {
        self.partition_added.notified()
    }

    /// Asks for a look at the partitions that the topic has, soon.
    pub fn request_look(&self) {
        self.requested_looks.fetch_add(1, Ordering::Relaxed);
    }

    fn expect_partition(&self, clock: Instant, partition: i32) -> Arc<Progress> {
        let mut partitions = self.partitions.write();
        let expected = || Arc::new(Progress::expected(clock));
        let progress = Arc::clone(partitions.entry(partition).or_insert_with(expected));
        self.partition_added.notify_waiters();
        progress
    }
}

/// One thread's way to report on a table. A thread that ends before it has marked the table
/// as loaded leaves it loading: its partitions have not caught up.
#[derive(Debug)]
pub struct TableHandle {
    health: Arc<Health>,
    table: usize,
    is_loaded: bool,
    /// How many of the requested looks are noticed.
    noticed_looks: u64,
}

impl TableHandle {
    /// The name of the table.
    pub fn name(&self) -> &str {
        &self.table().name
    }

    /// Notes that the topic has a partition that is not read yet, so the table is not complete.
    pub fn expect_partition(&self, partition: i32) {
        self.table().expect_partition(self.health.started, partition).expect();
    }

    /// Notes that the topic does not have an expected partition after all.
    pub fn mark_removed(&self, partition: i32) {
        if let Some(progress) = self.table().progress(partition) {
            progress.mark_removed();
        }
    }

    /// Starts a partition of the table, and returns the place to report its progress.
    pub fn start_partition(&self, start: PartitionStart) -> Arc<Progress> {
        let progress = self.table().expect_partition(self.health.started, start.partition);
        progress.start(start);
        progress
    }

    /// Takes the requests for a look at the topic's partitions. Whether there were any.
    pub fn take_requested_looks(&mut self) -> bool {
        let requested = self.table().requested_looks.load(Ordering::Relaxed);
        requested != std::mem::replace(&mut self.noticed_looks, requested)
    }

    fn table(&self) -> &TableHealth {
        &self.health.tables[self.table]
    }

    /// Marks this thread's partitions of the table as loaded. Only the first call counts.
    pub fn mark_loaded(&mut self) {
        if !self.is_loaded {
            self.is_loaded = true;
            self.health.mark_loaded(self.table);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_ready_when_every_thread_has_loaded_every_table() {
        let health = Health::new(["a".into(), "b".into()], 2);
        let handles = health.table_handles().into_iter().chain(health.table_handles());
        let (of_a, mut of_b): (Vec<_>, Vec<_>) = handles.partition(|table| table.name() == "a");
        let mut last = of_b.pop().unwrap();
        let mut told = health.watch_ready();
        of_a.into_iter().chain(of_b).for_each(|mut table| table.mark_loaded());
        let is_ready = |name| health.table(name).unwrap().is_ready();
        assert!(is_ready("a") && !is_ready("b") && !health.is_ready());
        assert!(told.has_changed().unwrap(), "a table alone is told of too");
        assert!(!*told.borrow_and_update());
        last.mark_loaded();
        assert!(*told.borrow_and_update() && health.is_ready());
    }

    #[test]
    fn a_thread_counts_once_however_often_it_marks_a_table_as_loaded() {
        let health = Health::new(["a".into()], 2);
        let mut table = health.table_handles().pop().unwrap();
        table.mark_loaded();
        table.mark_loaded();
        assert!(!health.is_ready());
    }

    #[test]
    fn a_thread_that_dies_leaves_its_tables_loading() {
        let health = Health::new(["a".into()], 1);
        drop(health.table_handles());
        assert!(!health.is_ready());
    }

    #[test]
    fn a_table_is_as_stale_as_its_stalest_partition_once_it_is_ready() {
        let health = Health::new(["a".into()], 1);
        let mut table = health.table_handles().pop().unwrap();
        let learnt = Instant::now();
        let later = learnt + Duration::from_secs(5);
        let start = |partition, end| PartitionStart { partition, start: 0, end, learnt };
        let empty = table.start_partition(start(0, 0));
        let behind = table.start_partition(start(1, 10));
        let staleness = || health.table("a").unwrap().staleness(later);
        empty.observe_end(0, later);
        assert_eq!(staleness(), None, "it is not ready");
        table.mark_loaded();
        assert_eq!(staleness(), None, "one was never complete");
        behind.advance_to(10);
        let staleness = staleness().unwrap();
        assert!(staleness.abs_diff(Duration::from_secs(5)) < Duration::from_millis(2));
    }

    #[test]
    fn a_partition_that_is_known_and_not_read_makes_the_staleness_unknown() {
        let health = Health::new(["a".into()], 1);
        let mut table = health.table_handles().pop().unwrap();
        let learnt = Instant::now();
        table.start_partition(PartitionStart { partition: 0, start: 0, end: 0, learnt });
        table.mark_loaded();
        let is_known = || health.table("a").unwrap().staleness(Instant::now()).is_some();
        assert!(is_known());
        table.expect_partition(1);
        assert!(!is_known());
        table.start_partition(PartitionStart { partition: 1, start: 0, end: 0, learnt });
        assert!(is_known());
        table.expect_partition(2);
        table.mark_removed(2);
        assert!(is_known(), "the topic does not have it after all");
    }

    #[test]
    fn a_request_for_a_look_is_noticed_by_every_thread_once() {
        let health = Health::new(["a".into()], 2);
        let handles = health.table_handles().into_iter().chain(health.table_handles());
        let mut tables: Vec<_> = handles.collect();
        assert!(!tables[0].take_requested_looks());
        health.table("a").unwrap().request_look();
        for table in &mut tables {
            assert!(table.take_requested_looks());
            assert!(!table.take_requested_looks());
        }
    }

    #[test]
    fn an_unknown_table_has_no_state() {
        assert!(Health::new([], 1).table("a").is_none());
    }
}
