//! The threads for what operators ask for. What they do, they are told later.
//!
//! They are started early, before the parts that need more threads and try those out first. So where
//! the system gives too few, those parts say so, and not a thread that comes last.

use std::io;

use crate::heap::Account;
use crate::threads::IdleThread;

/// A thread for each kind of work.
#[derive(Debug)]
pub struct OperatorThreads {
    pub(super) statistics: IdleThread,
    pub(super) reclaim: IdleThread,
    pub(super) walk: IdleThread,
}

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
