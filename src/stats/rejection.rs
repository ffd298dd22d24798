//! What became of rejected records beside being counted.

use std::sync::Arc;

use crate::record::{Reject, Timestamp};

/// One rejected record: where it stands and what was wrong, and nothing of what it said.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The table that rejected it.
    pub table: Arc<str>,
    /// The topic that it came from.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp.
    pub record_time: Timestamp,
    /// When it was rejected.
    pub reject_time: Timestamp,
    /// What was wrong.
    pub reason: Reject,
}

/// Rejected records handed on to dead-letter topics, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeadLetterStats {
    /// A broker has taken them.
    pub delivered_count: u64,
    /// There was no room for them in the queue, or they are too large for it.
    pub dropped_count: u64,
    /// No broker took them.
    pub failed_count: u64,
}
