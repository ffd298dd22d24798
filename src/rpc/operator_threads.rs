//! The threads for what operators ask for. What they do, they are told later.
//!
//! They are started early, before the parts that need more threads and try those out first. So where
//! the system gives too few, those parts say so, and not a thread that comes last.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::heap::Account;

type Work = Box<dyn FnOnce() + Send>;

/// A thread for each kind of work.
#[derive(Debug)]
pub struct OperatorThreads {
    pub(super) statistics: IdleThread,
    pub(super) reclaim: IdleThread,
    pub(super) walk: IdleThread,
}

/// A thread that waits for its work. It ends when this is dropped without any.
#[derive(Debug)]
pub(super) struct IdleThread(SyncSender<Work>);

impl OperatorThreads {
    /// Starts the threads. Their allocations are charged to `account`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(account: &Account) -> io::Result<Self> {
        Ok(Self {
            statistics: IdleThread::start("statistics", account)?,
            reclaim: IdleThread::start("reclaim", account)?,
            walk: IdleThread::start("walk", account)?,
        })
    }
}

impl IdleThread {
    pub(super) fn start(name: &str, account: &Account) -> io::Result<Self> {
        let (sender, given) = sync_channel::<Work>(1);
        let account = account.clone();
        thread::Builder::new().name(name.into()).spawn(move || {
            account.adopt_thread();
            if let Ok(work) = given.recv() {
                work();
            }
        })?;
        Ok(Self(sender))
    }

    /// Gives it its work, which may go on as long as the thread lives.
    pub(super) fn run(self, work: impl FnOnce() + Send + 'static) {
        // The thread waits for this, and the channel has room for it.
        let _ = self.0.try_send(Box::new(work));
    }
}
