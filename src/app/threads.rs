//! The threads of one server: a runtime whose allocations are charged to one account.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::heap::{self, Account};

/// A runtime that ends when it is dropped, without waiting for its tasks.
pub(super) struct Threads(Option<Runtime>);

/// The number of threads of a server.
pub(super) enum Count {
    One,
    AsManyAsCores,
}

impl Threads {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start(name: &str, count: &Count, account: &Account) -> io::Result<Self> {
        let account = account.clone();
        let mut builder = Builder::new_multi_thread();
        if let Count::One = count {
            builder.worker_threads(1);
        }
        let runtime = builder
            .enable_all()
            .thread_name(name)
            .on_thread_start(move || account.adopt_thread())
            .on_thread_park(heap::flush_if_asked)
            .build()?;
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
