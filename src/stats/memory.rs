//! The memory of a snapshot, and the result of a reclaim.

use crate::memory::{Census, Line, Pressure, ReclaimReport};

/// Where the memory is, and how near the limit.
#[derive(Debug, Clone)]
pub struct MemoryStats {
    /// Every byte by type.
    pub census: Census,
    /// The limit that the process keeps to, in bytes.
    pub limit_bytes: u64,
    /// The usage that counts against the limit, in bytes: the container's count, or the
    /// resident set.
    pub current_bytes: u64,
    /// The pressure stage.
    pub pressure: Pressure,
    /// How the limit is divided.
    pub budget: Vec<Line>,
}

/// The result of a reclaim.
#[derive(Debug, Clone)]
pub struct Reclaimed {
    /// The memory before.
    pub before: MemoryStats,
    /// The memory after all unused memory was freed.
    pub after: MemoryStats,
    /// The findings.
    pub report: ReclaimReport,
}
