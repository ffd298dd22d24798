//! Reclaim: frees all memory that is not in use, and reports the effect.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::reserves;
use super::snapshot::MemoryReader;
use crate::heap;
use crate::memory::{ExpectedBytes, ReclaimReport};
use crate::stats::Reclaimed;
use crate::table::Table;

/// How long threads get to flush their caches. The slowest are the ingest threads: one may be
/// in a poll.
const FLUSH_TIME: Duration = Duration::from_millis(250);

/// Runs reclaims, one at a time.
pub(super) struct Reclaimer {
    pub(super) memory: Arc<MemoryReader>,
    pub(super) tables: Vec<Arc<Table>>,
    /// The reserves of the types that are not tables.
    pub(super) reserves: Vec<ExpectedBytes>,
    /// At least one.
    pub(super) rpc_threads: Vec<Handle>,
    pub(super) one_at_a_time: Mutex<()>,
}

impl Reclaimer {
    /// Takes about [`FLUSH_TIME`] and blocks no other thread. Must not be called on a thread
    /// of the gRPC server.
    pub(super) fn reclaim(&self) -> Reclaimed {
        let _one = self.one_at_a_time.lock();
        let before = self.memory.read();
        self.tables.iter().for_each(|table| table.maintain());
        self.flush_thread_caches();
        heap::purge();
        let after = self.memory.read();
        let expected = reserves::expected(&self.tables, &self.reserves);
        let report = ReclaimReport::compare(&before.census, &after.census, &expected);
        Reclaimed { before, after, report }
    }

    fn flush_thread_caches(&self) {
        heap::ask_threads_to_flush();
        heap::flush_if_asked();
        // A thread flushes when it parks. Idle threads of the server park again only after
        // they had something to do.
        for thread in &self.rpc_threads {
            thread.spawn(tokio::task::yield_now());
        }
        if let Some(thread) = self.rpc_threads.first() {
            // The timer is that of the runtime, so it is made there.
            thread.block_on(async { tokio::time::sleep(FLUSH_TIME).await });
        }
    }
}
