//! Rejected records of a snapshot: the newest ones, and what became of dead letters.

use std::sync::Arc;

use crate::record::{Reject, Timestamp};

/// One rejected record: its offset and the reason, without its content.
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
    /// Why it was rejected.
    pub reason: Reject,
}

/// A rejected record in the list of the last ones.
#[derive(Debug, Clone)]
pub struct ListedRejection {
    /// Its number since the service was built: newer ones have larger numbers.
    pub number: u64,
    /// The record.
    pub rejection: Rejection,
}

/// Rejected records that were produced to dead-letter topics, by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeadLetterStats {
    /// A broker has accepted them.
    pub delivered_count: u64,
    /// The queue was full, or they are too large for it.
    pub dropped_count: u64,
    /// No broker accepted them.
    pub failed_count: u64,
}
