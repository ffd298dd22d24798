//! How many lookups found an entry, and how many found none, by the kind of the reason.
//!
//! Why a key has no entry is not decided here.

use std::sync::atomic::{AtomicU64, Ordering};

use super::miss_reason::{GhostCause, MissReason};

/// The kind of a miss reason, without its details: a closed list, so that each is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissKind {
    /// The table is loading, so the entry may still come.
    Loading,
    /// No record of the key was handled.
    NeverSeen,
    /// The time to live of the entry ended.
    Expired,
    /// The entry was evicted to make room.
    Evicted,
    /// The entry was evicted because memory was short.
    EvictedForPressure,
    /// The entry was deleted.
    Deleted,
    /// The table does not know.
    Unknown,
}

impl MissKind {
    /// Every kind, in the order in which they are reported.
    pub const ALL: [Self; 7] = [
        Self::Loading,
        Self::NeverSeen,
        Self::Expired,
        Self::Evicted,
        Self::EvictedForPressure,
        Self::Deleted,
        Self::Unknown,
    ];
}

impl From<MissReason> for MissKind {
    fn from(reason: MissReason) -> Self {
        match reason {
            MissReason::NeverSeen => Self::NeverSeen,
            MissReason::Unknown => Self::Unknown,
            MissReason::Ghost(ghost) => match ghost.cause {
                GhostCause::Expired(_) => Self::Expired,
                GhostCause::Evicted(_) => Self::Evicted,
                GhostCause::EvictedForPressure(_) => Self::EvictedForPressure,
                GhostCause::Deleted => Self::Deleted,
            },
        }
    }
}

/// Lookups by what they found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupCounts {
    /// Lookups that found an entry.
    pub hits: u64,
    misses: [u64; MissKind::ALL.len()],
}

impl LookupCounts {
    /// Counts one lookup: a hit, or a miss of this kind.
    pub fn count(&mut self, miss: Option<MissKind>) {
        let counter = miss.map_or(&mut self.hits, |kind| &mut self.misses[kind as usize]);
        *counter += 1;
    }

    /// Lookups that found none, for a reason of this kind.
    pub fn misses(&self, kind: MissKind) -> u64 {
        self.misses[kind as usize]
    }

    /// Lookups that found none.
    pub fn all_misses(&self) -> u64 {
        self.misses.iter().sum()
    }
}

/// The lookups of a table since it was made.
#[derive(Debug, Default)]
pub(super) struct LookupCounters {
    hits: AtomicU64,
    misses: [AtomicU64; MissKind::ALL.len()],
}

impl LookupCounters {
    pub(super) fn add(&self, counts: &LookupCounts) {
        self.hits.fetch_add(counts.hits, Ordering::Relaxed);
        let misses = self.misses.iter().zip(counts.misses);
        for (counter, count) in misses.filter(|(_, count)| *count > 0) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> LookupCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LookupCounts { hits: read(&self.hits), misses: self.misses.each_ref().map(read) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_miss_has_a_counter_of_its_own() {
        let counters = LookupCounters::default();
        for (number, kind) in MissKind::ALL.into_iter().enumerate() {
            let mut counts = LookupCounts::default();
            (0..=number).for_each(|_| counts.count(Some(kind)));
            counts.count(None);
            counters.add(&counts);
        }
        let read = counters.read();
        assert_eq!(MissKind::ALL.map(|kind| read.misses(kind)), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((read.hits, read.all_misses()), (7, 28));
    }
}
