//! What all shards of one store share, and why a shard could not store a record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::Layout;
use crate::record::{RankedBy, Recency};
use crate::table::changes::ChangeLog;
use crate::table::evictions::Evictions;
use crate::table::ghosts::{GhostEntries, KeyHash};
use crate::table::quota::Quota;

pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) quota: Quota,
    pub(super) ghosts: GhostEntries,
    pub(super) evictions: Evictions,
    pub(super) changes: Arc<ChangeLog>,
    ranked_by: RankedBy,
    started_segments: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        layout: Layout,
        quota: Quota,
        (ghosts, changes): (GhostEntries, Arc<ChangeLog>),
        ranked_by: RankedBy,
    ) -> Self {
        let (evictions, started_segments) = (Evictions::default(), AtomicU64::new(0));
        Self { layout, quota, ghosts, evictions, changes, ranked_by, started_segments }
    }

    /// The recency of a record once it has taken the place of the newest known record of its key:
    /// that of `existing`, or else of its ghost entry. None if the record is superseded.
    pub(super) fn admit(
        &self,
        recency: Recency,
        existing: Option<Recency>,
        key_hash: KeyHash,
    ) -> Option<Recency> {
        let known = existing.or_else(|| self.ghosts.recency(key_hash));
        recency.replacing(known, self.ranked_by)
    }

    /// Numbers a segment that is started: a lower number is an older segment, in any shard.
    pub(super) fn next_sequence(&self) -> u64 {
        self.started_segments.fetch_add(1, Ordering::Relaxed)
    }
}

/// Why a shard could not store a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InsertError {
    /// The limit leaves no room.
    StoreFull,
    /// The shard has as many segments as it can have.
    ShardFull,
}
