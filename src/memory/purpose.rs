//! What the lines of the memory budget are for.

use std::fmt;

use crate::config::Capacity;

/// The purpose of a part of the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// All that a table may weigh.
    Table {
        /// Its name.
        name: String,
        /// Its capacity, as configured.
        capacity: Capacity,
    },
    /// Records that the Kafka client has fetched.
    KafkaFetch,
    /// The statistics of the Kafka client.
    KafkaStatistics,
    /// What is plucked from documents, before a table has it.
    Documents,
    /// The connections of callers, as many as there may be.
    RpcConnections,
    /// The calls on them, as many as there may be, with their small requests and responses.
    RpcStreams,
    /// Large requests that arrive, and large responses that callers have not read yet.
    RpcPool,
    /// Changes of tables that those who watch have not read yet.
    RpcWatch,
    /// The past of the figures, the answers of the admin port, and its profiles.
    Admin,
    /// Spans that wait to be sent, and messages to the collector.
    Telemetry,
    /// Code and stacks.
    Fixed,
    /// What the allocator holds beside what is allocated from it.
    Allocator,
}

/// In words, with the setting that decides on it.
impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table { name, capacity } => {
                return write!(f, "table {name} (capacity {capacity})");
            }
            Self::KafkaFetch => "kafka fetch buffers (kafka.fetch_buffer)",
            Self::KafkaStatistics => "kafka statistics, of 256 partitions (by ingest.threads)",
            Self::Documents => "plucking documents (by ingest.threads)",
            Self::RpcConnections => "rpc connections (rpc.max_connections)",
            Self::RpcStreams => "rpc streams (rpc.max_streams)",
            Self::RpcPool => "rpc byte pool (rpc.pool)",
            Self::RpcWatch => "changes for watchers (rpc.watch_buffer)",
            Self::Admin => {
                "admin port: history, answers, profiles (by admin.history and admin.token_file)"
            }
            Self::Telemetry => "traces and metrics that are sent (by otlp.queue)",
            Self::Fixed => "code and stacks",
            Self::Allocator => "allocator slack (a twelfth of the limit)",
        })
    }
}
