//! Why a lookup found no entry. `rpc` answers *loading* instead while the table is not ready.

use crate::record::{Recency, Timestamp};

/// What is remembered of a key that had an entry, or would have had one, and has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ghost {
    /// Why it has none.
    pub cause: GhostCause,
    /// The newest record of the key: the one that deleted its entry, or that of the entry that
    /// left. An older record that comes later is superseded by it.
    pub recency: Recency,
}

/// Why a key has no entry any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GhostCause {
    /// Its time to live ended at that time.
    Expired(Timestamp),
    /// It was evicted at that time to make room.
    Evicted(Timestamp),
    /// It was evicted at that time, because memory was short.
    EvictedForPressure(Timestamp),
    /// A tombstone or a record for which `delete_when` holds deleted it, or a newer record that
    /// was too large to keep.
    Deleted,
}

impl Ghost {
    /// Deleted by that record.
    pub fn deleted_by(recency: Recency) -> Self {
        Self { cause: GhostCause::Deleted, recency }
    }

    /// The time to live of the entry of that record ended at that time.
    pub fn expired(recency: Recency, at: Timestamp) -> Self {
        Self { cause: GhostCause::Expired(at), recency }
    }

    /// The entry of that record was evicted at that time to make room.
    pub fn evicted(recency: Recency, at: Timestamp) -> Self {
        Self { cause: GhostCause::Evicted(at), recency }
    }

    /// The entry of that record was evicted at that time, because memory was short.
    pub fn evicted_for_pressure(recency: Recency, at: Timestamp) -> Self {
        Self { cause: GhostCause::EvictedForPressure(at), recency }
    }
}

/// Why a key has no live entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissReason {
    /// No record of the key was handled since the table was made.
    NeverSeen,
    /// The key has no entry any more.
    Ghost(Ghost),
    /// The table does not know: the reason may have been forgotten.
    Unknown,
}
