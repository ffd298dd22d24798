//! The size of a workload.

use clap::Args;

/// The topic to read, and the threads that read it.
#[derive(Debug, Clone, Copy, Args)]
pub struct Workload {
    /// Records to produce and read
    #[arg(long, default_value_t = 100_000)]
    pub records: u64,
    /// Bytes of one document
    #[arg(long, default_value_t = 2_048)]
    pub bytes: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 64)]
    pub partitions: i32,
    /// Threads that read, each with its own client
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
}
