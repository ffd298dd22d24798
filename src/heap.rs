//! The heap: one allocator for Rust and for librdkafka's C, kept in accounts that can
//! be read apart.
//!
//! jemalloc reports what each of its arenas has handed out, and a free goes back to
//! the arena that it came from, whichever thread frees. So an [`Account`] is an arena:
//! a thread adopts one for all it allocates, or a piece of work is charged to one. The
//! only module with unsafe code and with statics. Knows nothing of what the memory is for.

mod account;
mod allocator;
mod control;
mod flush;
mod readings;

pub use account::Account;
pub use flush::{ask_threads_to_flush, flush_if_asked};
pub use readings::{AccountReading, Readings, read};

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

/// Gives the calling thread's cache of freed memory back to the arenas.
pub fn flush_thread_cache() {
    control::call(c"thread.tcache.flush");
}

/// Gives the pages that no allocation stands on back to the system, in every arena.
pub fn purge() {
    control::call(control::PURGE_ALL);
}

/// The bytes that an allocation of `bytes` takes, rounded up to its size class.
pub fn rounded_up(bytes: usize) -> usize {
    allocator::rounded_up(bytes)
}

/// Bytes that the calling thread has ever allocated.
#[cfg(test)]
pub(crate) fn allocated_by_thread() -> u64 {
    control::get(c"thread.allocated").unwrap_or_default()
}

#[cfg(test)]
mod tests;
