//! Whether the system gives as many threads as are about to be started, and threads that are started
//! before their work is known.
//!
//! Where a thread cannot be started, as under a container's limit of pids, tokio panics and
//! librdkafka ends the process. So their threads are tried out first.

mod idle_thread;

use std::io;
use std::thread;

use parking_lot::RwLock;

pub use idle_thread::IdleThread;

/// Starts so many threads at once, and ends them.
///
/// # Errors
///
/// When the system does not give them.
pub fn try_out(threads: usize) -> io::Result<()> {
    // Twice as many, since the system counts a thread for a moment after its end.
    let threads = threads * 2;
    let gate = RwLock::new(());
    thread::scope(|scope| {
        let closed = gate.write();
        let wait = || drop(gate.read());
        let started: io::Result<Vec<_>> =
            (0..threads).map(|_| thread::Builder::new().spawn_scoped(scope, wait)).collect();
        drop(closed);
        started.map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_threads_can_be_had() {
        try_out(3).unwrap();
    }
}
