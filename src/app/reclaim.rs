//! A reclaim: measure, have everybody let go what they can, measure again, and say what
//! that shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::heap;
use crate::memory::{Explained, MemoryType, Verdict};
use crate::stats::{MemoryStats, Reclaimed};
use crate::table::Table;

/// How long threads have to come round and flush their caches: the longest is a poll of
/// an ingest thread.
const ROUND: Duration = Duration::from_millis(250);

/// What a reclaim needs.
pub(super) struct Reclaimer {
    pub(super) memory: Arc<dyn Fn() -> MemoryStats + Send + Sync>,
    pub(super) tables: Vec<Arc<Table>>,
    /// What is set aside for the types that are no tables.
    pub(super) set_aside: Vec<Explained>,
    pub(super) rpc_threads: Handle,
    pub(super) one_at_a_time: Mutex<()>,
}

impl Reclaimer {
    /// Takes about [`ROUND`] and stops nobody. Not for a thread that answers calls.
    pub(super) fn reclaim(&self) -> Reclaimed {
        let _one = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let before = (self.memory)();
        self.tables.iter().for_each(|table| table.maintain());
        self.flush_thread_caches();
        heap::purge();
        let after = (self.memory)();
        let verdict = Verdict::of(&before.census, &after.census, &self.explained());
        Reclaimed { before, after, verdict }
    }

    fn flush_thread_caches(&self) {
        heap::ask_threads_to_flush();
        heap::flush_if_asked();
        // Threads that wait for a call do not come round unless there is something to do.
        for _ in 0..2 * self.rpc_threads.metrics().num_workers() {
            self.rpc_threads.spawn(tokio::task::yield_now());
        }
        self.rpc_threads.block_on(tokio::time::sleep(ROUND));
    }

    fn explained(&self) -> Vec<Explained> {
        let of_table = |table: &Arc<Table>| Explained {
            memory_type: MemoryType::Table(table.name().to_owned()),
            bytes: table.stats().weight_bytes,
        };
        self.tables.iter().map(of_table).chain(self.set_aside.iter().cloned()).collect()
    }
}
