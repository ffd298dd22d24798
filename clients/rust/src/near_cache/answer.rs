//! What a near cache says: of a key, and of itself.

use std::sync::Arc;
use std::time::Duration;

use crate::v1::LookupResult;

/// The answer to one lookup.
#[derive(Debug, Clone)]
pub struct NearAnswer {
    /// The entry, or why there is none.
    pub result: Arc<LookupResult>,
    /// An upper bound of how long ago the table was complete as this answer has it, however long messages
    /// were on their way. None if the table was never known to be complete.
    pub staleness: Option<Duration>,
    /// Whether the answer was in this process. If not, the service was asked.
    pub is_near: bool,
}

/// What a near cache holds, and what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NearCacheStats {
    /// Lookups that were answered from here.
    pub hit_count: u64,
    /// Lookups for which the service was asked.
    pub fetch_count: u64,
    /// Keys that are held, those that have no entry too.
    pub held_keys: usize,
    /// What they take, in bytes, about.
    pub held_bytes: usize,
    /// How old what is held may be; none while that is not known.
    pub staleness: Option<Duration>,
}
