//! What is read, and by how many.

use clap::Args;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Workload {
    /// Records to produce and read
    #[arg(long, default_value_t = 100_000)]
    pub(crate) records: u64,
    /// Bytes of one document
    #[arg(long, default_value_t = 2_048)]
    pub(crate) bytes: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 64)]
    pub(crate) partitions: i32,
    /// Threads that read, each with a client of its own
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
}
