//! Three states of the service, kept apart: live, ready and fresh.
//!
//! *Live* means that the poll loops turn; it never depends on Kafka. *Ready* means
//! that every table has caught up with its stream once; a later outage does not
//! take it back, since what is loaded still serves. How *fresh* a table is says how long
//! ago it was known to have all that its stream had. This module knows neither how
//! the states come about nor over which protocol they are told.

mod progress;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use progress::{Beginning, Progress};

/// A poll loop that has not turned for this long is stuck. Well over the longest
/// that one turn may wait for a broker's answer.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// The states of one service. Share it by reference count.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    tables: Vec<TableHealth>,
    last_turns: Vec<AtomicU64>,
    ready: watch::Sender<bool>,
}

/// The state of one table.
#[derive(Debug)]
pub struct TableHealth {
    name: String,
    open_latches: AtomicUsize,
    partitions: RwLock<BTreeMap<i32, Arc<Progress>>>,
}

impl Health {
    /// Neither table is ready until each of the `threads` has released its latch.
    pub fn new(tables: impl IntoIterator<Item = String>, threads: usize) -> Arc<Self> {
        let loading = |name| TableHealth {
            name,
            open_latches: AtomicUsize::new(threads),
            partitions: RwLock::default(),
        };
        Arc::new(Self {
            started: Instant::now(),
            tables: tables.into_iter().map(loading).collect(),
            last_turns: (0..threads).map(|_| AtomicU64::new(0)).collect(),
            ready: watch::Sender::new(false),
        })
    }

    /// Whether every poll loop still turns.
    pub fn is_live(&self) -> bool {
        let now = self.elapsed_millis();
        let stuck_after = u64::try_from(STUCK_AFTER.as_millis()).unwrap_or(u64::MAX);
        self.last_turns
            .iter()
            .all(|turn| now.saturating_sub(turn.load(Ordering::Relaxed)) < stuck_after)
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

    /// Tells whenever a table has caught up; its value is [`Self::is_ready`].
    pub fn watch_ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Says that the poll loop of a thread has turned.
    pub fn turned(&self, thread: usize) {
        if let Some(turn) = self.last_turns.get(thread) {
            turn.store(self.elapsed_millis(), Ordering::Relaxed);
        }
    }

    /// One latch for each table; a thread releases it when its share of the table is loaded.
    pub fn latches(self: &Arc<Self>) -> Vec<Latch> {
        (0..self.tables.len()).map(|table| Latch { health: Arc::clone(self), table }).collect()
    }

    fn release(&self, table: usize) {
        self.tables[table].open_latches.fetch_sub(1, Ordering::AcqRel);
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
        self.open_latches.load(Ordering::Acquire) == 0
    }

    /// How long ago, at `now`, the table was last known to have all that its partitions had;
    /// none before it was.
    pub fn staleness(&self, now: Instant) -> Option<Duration> {
        if !self.is_ready() {
            // Not every partition need have begun.
            return None;
        }
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        let there = partitions.values().filter(|progress| progress.is_there());
        let complete_at = there.map(|progress| progress.complete_at());
        // None sorts before all times.
        complete_at.min()?.map(|complete_at| now.saturating_duration_since(complete_at))
    }

    /// Its progress in a partition; none where it does not read it, or not yet.
    pub fn progress(&self, partition: i32) -> Option<Arc<Progress>> {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        partitions.get(&partition).map(Arc::clone)
    }

    fn begin(&self, clock: Instant, beginning: Beginning) -> Arc<Progress> {
        let progress = Arc::new(Progress::new(clock, beginning));
        let mut partitions = self.partitions.write().unwrap_or_else(PoisonError::into_inner);
        partitions.insert(beginning.partition, Arc::clone(&progress));
        progress
    }
}

/// Holds a table back from being ready. Dropping it without release leaves the
/// table loading: a thread that died has not caught up.
#[derive(Debug)]
pub struct Latch {
    health: Arc<Health>,
    table: usize,
}

impl Latch {
    /// The name of the table that it holds back.
    pub fn table(&self) -> &str {
        &self.health.tables[self.table].name
    }

    /// The table, also when this is released.
    pub fn handle(&self) -> TableHandle {
        TableHandle { health: Arc::clone(&self.health), table: self.table }
    }

    /// Says that this thread's share of the table has caught up.
    pub fn release(self) {
        self.health.release(self.table);
    }
}

/// A table, to say of how far it has come.
#[derive(Debug, Clone)]
pub struct TableHandle {
    health: Arc<Health>,
    table: usize,
}

impl TableHandle {
    /// The name of the table.
    pub fn name(&self) -> &str {
        &self.health.tables[self.table].name
    }

    /// Begins a partition of the table; where to say how far it has come.
    pub fn begin(&self, beginning: Beginning) -> Arc<Progress> {
        self.health.tables[self.table].begin(self.health.started, beginning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_ready_when_every_thread_has_loaded_every_table() {
        let health = Health::new(["a".into(), "b".into()], 2);
        let latches = health.latches().into_iter().chain(health.latches());
        let (of_a, mut of_b): (Vec<_>, Vec<_>) = latches.partition(|latch| latch.table() == "a");
        let last = of_b.pop().unwrap();
        let mut told = health.watch_ready();
        of_a.into_iter().chain(of_b).for_each(Latch::release);
        let is_ready = |name| health.table(name).unwrap().is_ready();
        assert!(is_ready("a") && !is_ready("b") && !health.is_ready());
        assert!(told.has_changed().unwrap(), "a table alone is told of too");
        assert!(!*told.borrow_and_update());
        last.release();
        assert!(*told.borrow_and_update() && health.is_ready());
    }

    #[test]
    fn a_thread_that_dies_leaves_its_tables_loading() {
        let health = Health::new(["a".into()], 1);
        drop(health.latches());
        assert!(!health.is_ready());
    }

    #[test]
    fn a_table_is_as_stale_as_its_stalest_partition_once_it_is_ready() {
        let health = Health::new(["a".into()], 1);
        let latch = health.latches().pop().unwrap();
        let learnt = Instant::now();
        let later = learnt + Duration::from_secs(5);
        let begin =
            |partition, end| latch.handle().begin(Beginning { partition, start: 0, end, learnt });
        let (empty, behind) = (begin(0, 0), begin(1, 10));
        let staleness = || health.table("a").unwrap().staleness(later);
        empty.ends_at(0, later);
        assert_eq!(staleness(), None, "it is not ready");
        latch.release();
        assert_eq!(staleness(), None, "one was never complete");
        behind.is_at(10);
        let staleness = staleness().unwrap();
        assert!(staleness.abs_diff(Duration::from_secs(5)) < Duration::from_millis(2));
    }

    #[test]
    fn an_unknown_table_has_no_state() {
        assert!(Health::new([], 1).table("a").is_none());
    }
}
