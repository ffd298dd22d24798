//! The heap: one allocator for Rust and for librdkafka's C, divided into accounts that are
//! measured on their own.
//!
//! jemalloc reports what is allocated from each of its arenas, and freed memory goes back to the
//! arena that it came from, whichever thread frees it. So an [`Account`] is an arena: a thread
//! adopts one for all that it allocates, or a piece of work is charged to one. This is the only
//! module with statics and unsafe code, beside the signal handler of CPU profiles and, for unsafe
//! code, `pluck::json::avx2`. It does not know what the memory is for.

mod account;
mod allocator;
mod control;
mod flush;
mod profiler;
mod readings;

pub use account::Account;
pub use flush::{ask_threads_to_flush, flush_if_asked, flush_thread_cache};
pub use profiler::{dump_profile, start_profiler, stop_profiler};
pub use readings::{AccountReading, Readings, read};

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

/// Returns pages without allocations to the system, in every arena.
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
