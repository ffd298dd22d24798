//! The thread that maintains tables, so that reads and writes seldom have to.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Table;
use crate::heap::{self, Account};

const INTERVAL: Duration = Duration::from_millis(50);

/// The running maintenance thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Maintenance {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts the thread. What it allocates is charged to `account`, except for the tables'
    /// memory.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn spawn(tables: Vec<Arc<Table>>, account: &Account) -> io::Result<Self> {
        let account = account.clone();
        let (stop, stopped) = mpsc::sync_channel::<()>(0);
        let thread = thread::Builder::new().name("table-maintenance".into()).spawn(move || {
            account.adopt_thread();
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                heap::flush_if_asked();
                for table in &tables {
                    table.maintain();
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread itself has reported its panic.
            let _ = thread.join();
        }
    }
}
