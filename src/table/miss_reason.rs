//! Why a lookup found no entry. `rpc` answers *loading* instead while the table is not ready.

use crate::record::{Origin, Timestamp};

/// Why a key that had an entry, or would have had one, has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ghost {
    /// Its time to live ended at that time.
    Expired(Timestamp),
    /// It was evicted at that time to make room.
    Evicted(Timestamp),
    /// A tombstone or a record for which `delete_when` holds deleted it, or a newer record that
    /// was too large to keep.
    Deleted {
        /// Partition of that record.
        partition: i32,
        /// Offset of that record.
        offset: i64,
    },
}

impl Ghost {
    /// Deleted by the record of that origin.
    pub fn deleted_by(origin: Origin) -> Self {
        Self::Deleted { partition: origin.partition, offset: origin.offset }
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
