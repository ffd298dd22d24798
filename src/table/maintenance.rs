//! The thread that keeps tables swept, so that reads and writes seldom have to.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Table;

const INTERVAL: Duration = Duration::from_millis(50);

/// The running maintenance thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Maintenance {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn spawn(tables: Vec<Arc<Table>>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::sync_channel::<()>(0);
        let thread = thread::Builder::new().name("table-maintenance".into()).spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
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
            // A panic in there was reported by the thread itself.
            let _ = thread.join();
        }
    }
}
