//! What the system counts of the process.

use std::time::Duration;

/// The figures of the process, as the system has them. Zero where they cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessStats {
    /// The CPU time of all threads, in user and system mode.
    pub cpu: Duration,
    /// Its threads.
    pub threads: u64,
    /// Its open files, with sockets.
    pub open_files: u64,
    /// The most that it may have open: the soft limit.
    pub max_open_files: u64,
}
