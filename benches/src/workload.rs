//! The size of a workload, and what is plucked from its documents.

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

/// Where a document's key and its only field are, as JSON pointers.
#[derive(Debug, Clone, Copy)]
pub struct Pointers {
    /// Of the key.
    pub key: &'static str,
    /// Of the field.
    pub field: &'static str,
}

impl Pointers {
    /// In the documents of [`Topic::produce`](crate::topic::Topic::produce).
    pub const MADE_UP: Self = Self { key: "/id", field: "/description" };
    /// In webhooks.
    pub const WEBHOOK: Self = Self { key: "/sender/login", field: "/repository/html_url" };
}
