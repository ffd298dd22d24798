//! Asks every thread to give its cache of freed memory back: only the thread itself can.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::flush_thread_cache;

/// How often threads were asked.
static ASKED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// How often the thread had been asked when it last did.
    static DONE: Cell<u64> = const { Cell::new(0) };
}

/// Asks all threads that come by [`flush_if_asked`].
pub fn ask_threads_to_flush() {
    ASKED.fetch_add(1, Ordering::Relaxed);
}

/// Flushes the calling thread's cache, if that was asked for since it last did. To be
/// called wherever a thread of long life comes round; it costs next to nothing.
pub fn flush_if_asked() {
    let asked = ASKED.load(Ordering::Relaxed);
    if DONE.replace(asked) != asked {
        flush_thread_cache();
    }
}
