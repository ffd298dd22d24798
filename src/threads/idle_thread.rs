//! A thread that waits for its work.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::heap::Account;

type Work = Box<dyn FnOnce() + Send>;

/// A thread that waits for its work. It ends when this is dropped without any.
#[derive(Debug)]
pub struct IdleThread(SyncSender<Work>);

impl IdleThread {
    /// Starts the thread. Its allocations are charged to `account`.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(name: &str, account: &Account) -> io::Result<Self> {
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
    pub fn run(self, work: impl FnOnce() + Send + 'static) {
        // The thread waits for this, and the channel has room for it.
        let _ = self.0.try_send(Box::new(work));
    }
}
