//! Flushes threads' caches of freed memory. Only a thread itself can flush its own: the others
//! are asked to.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::control;

/// How often threads were asked to flush.
static ASKED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// How often they had been asked when this thread last flushed.
    static DONE: Cell<u64> = const { Cell::new(0) };
}

/// Returns the memory in the calling thread's cache to the arenas.
pub fn flush_thread_cache() {
    control::call(c"thread.tcache.flush");
}

/// Asks all threads that call [`flush_if_asked`] now and then.
pub fn ask_threads_to_flush() {
    ASKED.fetch_add(1, Ordering::Relaxed);
}

/// Flushes the calling thread's cache, if threads were asked to since it last did. Every
/// thread that runs for long calls this in its loop; it costs next to nothing.
pub fn flush_if_asked() {
    let asked = ASKED.load(Ordering::Relaxed);
    if DONE.replace(asked) != asked {
        flush_thread_cache();
    }
}
