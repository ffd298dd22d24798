//! One snapshot of the service, in plain data.
//!
//! The parts that do the work report on themselves, `app` puts the snapshot together, and
//! whoever shows it (gRPC, a command, a page) only reads. To get one, take a [`TakeSnapshot`],
//! which `app` makes, and call it. The figures of a table are in [`TableStats`], in `table`. No
//! clocks, no locks, no wire format here.

mod access;
mod caller;
mod calls;
mod connections;
#[cfg(test)]
mod example;
mod export;
mod kafka;
mod loading;
mod memory;
mod outcome;
mod partition;
mod process;
mod rejection;
mod rpc;
mod tls;
mod topic;

use std::sync::Arc;
use std::time::Duration;

pub use crate::clock::ClockStats;
use crate::memory::Finding;
use crate::record::Timestamp;
use crate::table::TableStats;
pub use access::{
    AccessStats, DenialReason, DeniedCalls, IdentityStats, JwtKeyStats, TokenFileStats,
};
pub use caller::CallerStats;
pub use calls::{
    CallKind, DURATION_BOUNDS, DurationCounts, Exemplar, Exemplars, MethodStats, STATUS_CODES,
    StatusCode, UNKNOWN_METHOD,
};
pub use connections::{CloseReason, ConnectionStats};
pub use export::ExportStats;
pub use kafka::{BrokerFault, BrokerState, BrokerStats, KafkaStats};
pub use loading::Loading;
pub use memory::{MemoryStats, Reclaimed};
pub use outcome::Outcome;
pub use partition::PartitionStats;
pub use process::ProcessStats;
pub use rejection::{DeadLetterStats, ListedRejection, Rejection};
pub use rpc::{PoolStats, RpcStats, ShedCause};
pub use tls::{CertificateRole, CertificateStats, HandshakeOutcome, TlsStats};
pub use topic::{TopicStats, TopicStatus};

/// Takes one snapshot of the service: call it as often as figures are shown. Share it by
/// cloning.
pub type TakeSnapshot = Arc<dyn Fn() -> Snapshot + Send + Sync>;

/// The service at one moment. Counters are cumulative since `started`.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When the service was built, and every counter with it.
    pub started: Timestamp,
    /// The time since then.
    pub uptime: Duration,
    /// A digest of the effective configuration.
    pub config_digest: String,
    /// The version of librdkafka.
    pub librdkafka_version: String,
    /// Whether every table has caught up once.
    pub ready: bool,
    /// Where the memory is.
    pub memory: MemoryStats,
    /// The types of memory that hold more than is expected of them.
    pub unexplained_memory: Vec<Finding>,
    /// Each table, in the order of the configuration.
    pub tables: Vec<TableStats>,
    /// How fresh each of these tables is, in the same order.
    pub freshness: Vec<Freshness>,
    /// Each partition that feeds a table, by table, topic and partition.
    pub partitions: Vec<PartitionStats>,
    /// Each topic that feeds a table, in the order of the configuration.
    pub topics: Vec<TopicStats>,
    /// The brokers, and whether they answer.
    pub kafka: KafkaStats,
    /// The connections of callers, and what these hold.
    pub rpc: RpcStats,
    /// The TLS of the admin port, if it has any.
    pub admin_tls: Option<TlsStats>,
    /// What became of rejected records that were produced to dead-letter topics.
    pub dead_letters: DeadLetterStats,
    /// Whether the counters balance.
    pub counter_check: CounterCheckStats,
    /// How the service's clock follows the system's.
    pub clock: ClockStats,
    /// What the system counts of the process.
    pub process: ProcessStats,
    /// What became of traces and metrics that are sent to a collector.
    pub export: ExportStats,
}

/// How fresh a table is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Freshness {
    /// Whether the table has caught up once.
    pub is_ready: bool,
    /// How long ago the table was last known to be complete; none before it was.
    pub staleness: Option<Duration>,
}

/// The result of all checks of the counters since the service was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CounterCheckStats {
    /// How often the counters of a partition or a table were found not to balance.
    pub mismatch_count: u64,
}
