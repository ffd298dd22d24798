//! The threads of one server: a runtime whose allocations are charged to one account.
//!
//! tokio panics where the system gives it no thread. So the threads are first tried out, and no
//! more are started later: one for work that blocks is there from the beginning, and stays.

use std::io;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::heap::{self, Account};
use crate::threads::try_out;

/// A runtime that ends when it is dropped, without waiting for its tasks.
pub(super) struct Threads(Option<Runtime>);

/// The number of threads of a server.
pub(super) enum Count {
    One,
    AsManyAsCores,
}

impl Count {
    fn threads(&self) -> usize {
        match self {
            Self::One => 1,
            Self::AsManyAsCores => thread::available_parallelism().map_or(1, NonZero::get),
        }
    }
}

/// Longer than any process runs.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

impl Threads {
    /// Starts the threads, and one more for work that blocks.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start(name: &str, count: &Count, account: &Account) -> io::Result<Self> {
        let (account, threads) = (account.clone(), count.threads());
        try_out(threads + 1)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(1)
            .thread_keep_alive(FOR_EVER)
            .enable_all()
            .thread_name(name)
            .on_thread_start(move || account.adopt_thread())
            .on_thread_park(heap::flush_if_asked)
            .build()?;
        drop(runtime.spawn_blocking(|| ()));
        Ok(Self(Some(runtime)))
    }

    /// Spawns tasks on the threads.
    pub(super) fn handle(&self) -> Handle {
        // The runtime is there until it is dropped.
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_blocks_finds_its_thread_again_and_again() {
        let threads = Threads::start("rpc", &Count::One, &Account::open().unwrap()).unwrap();
        let handle = threads.handle();
        let ids = [(); 3].map(|()| {
            let blocking = handle.spawn_blocking(|| thread::current().id());
            handle.block_on(blocking).unwrap()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}
