//! How ghost entries are laid out: 16 bytes each, four to a bucket, the newest first.

use crate::record::Timestamp;
use crate::table::miss_reason::Ghost;

const SLOTS: usize = 4;

/// What `kind` holds for a ghost that no record deleted. Otherwise it is the partition of the
/// record that deleted the entry, which is never negative.
const EMPTY: i32 = -1;
const EXPIRED: i32 = -2;
const EVICTED: i32 = -3;

#[derive(Debug, Clone, Copy)]
struct GhostEntry {
    fingerprint: u32,
    kind: i32,
    /// An offset, or a time in milliseconds.
    number: i64,
}

impl GhostEntry {
    const EMPTY: Self = Self { fingerprint: 0, kind: EMPTY, number: 0 };

    fn new(fingerprint: u32, ghost: Ghost) -> Self {
        let (kind, number) = match ghost {
            Ghost::Expired(time) => (EXPIRED, time.as_millis()),
            Ghost::Evicted(time) => (EVICTED, time.as_millis()),
            Ghost::Deleted { partition, offset } => (partition, offset),
        };
        Self { fingerprint, kind, number }
    }

    fn ghost(self) -> Option<Ghost> {
        let time = Timestamp::from_millis(self.number);
        match self.kind {
            EMPTY => None,
            EXPIRED => Some(Ghost::Expired(time)),
            EVICTED => Some(Ghost::Evicted(time)),
            partition => Some(Ghost::Deleted { partition, offset: self.number }),
        }
    }

    fn is_of(self, fingerprint: u32) -> bool {
        self.fingerprint == fingerprint && self.kind != EMPTY
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    /// The used ones come first.
    entries: [GhostEntry; SLOTS],
    has_forgotten: bool,
}

impl Bucket {
    pub(super) const EMPTY: Self =
        Self { entries: [GhostEntry::EMPTY; SLOTS], has_forgotten: false };

    /// Whether a ghost entry was ever dropped from it for want of room.
    pub(super) fn has_forgotten(&self) -> bool {
        self.has_forgotten
    }

    pub(super) fn find(&self, fingerprint: u32) -> Option<Ghost> {
        self.position(fingerprint).and_then(|position| self.entries[position].ghost())
    }

    /// Puts a ghost entry in front. It takes the place of the key's older one, or of the oldest.
    pub(super) fn insert(&mut self, fingerprint: u32, ghost: Ghost) {
        let position = self.position(fingerprint).unwrap_or(SLOTS - 1);
        let dropped = self.entries[position];
        self.has_forgotten |= dropped.kind != EMPTY && !dropped.is_of(fingerprint);
        self.entries.copy_within(..position, 1);
        self.entries[0] = GhostEntry::new(fingerprint, ghost);
    }

    fn position(&self, fingerprint: u32) -> Option<usize> {
        self.entries.iter().position(|entry| entry.is_of(fingerprint))
    }
}
