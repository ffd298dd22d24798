//! The threads of one server: each runs its own share of the connections, and their allocations are
//! charged to one account.
//!
//! A call that stays on one thread costs half of one that may move to another. The threads are
//! there from the beginning, and no more are started later: where the system gives no thread, tokio
//! would panic. So nothing may block here.

use std::io;
use std::num::NonZero;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::heap::{self, Account};
use crate::threads::try_out;

/// Threads that end when this is dropped, without waiting for their tasks.
pub(super) struct Threads {
    handles: Vec<Handle>,
    /// Each ends one thread when it is dropped.
    _running: Vec<oneshot::Sender<()>>,
}

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

impl Threads {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start(name: &str, count: &Count, account: &Account) -> io::Result<Self> {
        let threads = count.threads();
        try_out(threads)?;
        let (mut handles, mut running) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let runtime = runtime()?;
            handles.push(runtime.handle().clone());
            running.push(run(name, account, runtime)?);
        }
        Ok(Self { handles, _running: running })
    }

    /// Each thread, to spawn tasks on it. There is at least one.
    pub(super) fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// The first thread.
    pub(super) fn handle(&self) -> Handle {
        self.handles.first().map_or_else(Handle::current, Clone::clone)
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().on_thread_park(heap::flush_if_asked).build()
}

/// Runs the tasks of a runtime on a thread of its own.
fn run(name: &str, account: &Account, runtime: Runtime) -> io::Result<oneshot::Sender<()>> {
    let (running, ended) = oneshot::channel::<()>();
    let account = account.clone();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        account.adopt_thread();
        // Nothing is ever sent: it ends when the sender is dropped.
        let _ = runtime.block_on(ended);
        runtime.shutdown_background();
    })?;
    Ok(running)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[test]
    fn each_core_has_a_thread_and_a_task_stays_on_its_own() {
        let account = Account::open().unwrap();
        let threads = Threads::start("rpc", &Count::AsManyAsCores, &account).unwrap();
        let mut ids = std::collections::HashSet::new();
        for handle in threads.handles() {
            let id = || handle.block_on(handle.spawn(async { thread::current().id() })).unwrap();
            assert_eq!(id(), id());
            ids.insert(id());
        }
        assert_eq!(ids.len(), Count::AsManyAsCores.threads());
    }

    #[test]
    fn what_a_task_allocates_is_charged_to_the_account_of_its_threads() {
        let account = Account::open().unwrap();
        let threads = Threads::start("rpc", &Count::One, &account).unwrap();
        let handle = threads.handle();
        let held = handle.block_on(handle.spawn(async { vec![1_u8; 4 << 20] })).unwrap();
        let allocated_bytes = heap::read([&account]).accounts[0].allocated_bytes;
        assert!(allocated_bytes >= held.len() as u64, "{allocated_bytes} B");
    }

    #[test]
    fn tasks_end_with_the_threads() {
        let threads = Threads::start("rpc", &Count::One, &Account::open().unwrap()).unwrap();
        let (ended, end) = std::sync::mpsc::sync_channel::<()>(0);
        drop(threads.handle().spawn(async move {
            let _ended = ended;
            pending::<()>().await;
        }));
        drop(threads);
        assert!(end.recv().is_err(), "the task was dropped");
    }
}
