//! How ghost entries are laid out: 32 bytes each, four to a bucket, in no order.

use crate::record::{Recency, Timestamp};
use crate::table::miss_reason::{Ghost, GhostCause};

const SLOTS: usize = 4;

/// What `cause` holds: a time in milliseconds, with one of these in its lowest three bits.
const EMPTY: i64 = 0;
const EXPIRED: i64 = 1;
const EVICTED: i64 = 2;
const DELETED: i64 = 3;
const EVICTED_FOR_PRESSURE: i64 = 4;
const KIND_BITS: u32 = 3;

#[derive(Debug, Clone, Copy)]
struct GhostEntry {
    fingerprint: u32,
    partition: i32,
    offset: i64,
    rank: i64,
    cause: i64,
}

impl GhostEntry {
    const EMPTY: Self = Self { fingerprint: 0, partition: 0, offset: 0, rank: 0, cause: EMPTY };

    fn new(fingerprint: u32, ghost: Ghost) -> Self {
        let Ghost { cause, recency: Recency { rank, partition, offset } } = ghost;
        let cause = match cause {
            GhostCause::Expired(time) => with_kind(time, EXPIRED),
            GhostCause::Evicted(time) => with_kind(time, EVICTED),
            GhostCause::EvictedForPressure(time) => with_kind(time, EVICTED_FOR_PRESSURE),
            GhostCause::Deleted => DELETED,
        };
        Self { fingerprint, partition, offset, rank, cause }
    }

    fn ghost(self) -> Option<Ghost> {
        let time = Timestamp::from_millis(self.cause >> KIND_BITS);
        let cause = match self.kind() {
            EXPIRED => GhostCause::Expired(time),
            EVICTED => GhostCause::Evicted(time),
            EVICTED_FOR_PRESSURE => GhostCause::EvictedForPressure(time),
            DELETED => GhostCause::Deleted,
            _ => return None,
        };
        let Self { rank, partition, offset, .. } = self;
        Some(Ghost { cause, recency: Recency { rank, partition, offset } })
    }

    fn kind(self) -> i64 {
        self.cause & ((1 << KIND_BITS) - 1)
    }

    fn is_empty(self) -> bool {
        self.kind() == EMPTY
    }

    /// Orders records from the oldest to the newest, more or less.
    fn age(self) -> (i64, i64) {
        (self.rank, self.offset)
    }

    fn is_of(self, fingerprint: u32) -> bool {
        self.fingerprint == fingerprint && !self.is_empty()
    }
}

/// Times beyond some 35 million years are cut off.
fn with_kind(time: Timestamp, kind: i64) -> i64 {
    let most = i64::MAX >> KIND_BITS;
    (time.as_millis().clamp(-most, most) << KIND_BITS) | kind
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    entries: [GhostEntry; SLOTS],
    has_forgotten: bool,
}

impl Bucket {
    /// A part of each of the processor's cache lines that it is in.
    pub(super) fn touch(&self) -> (u32, u32, bool) {
        let [first, _, third, _] = &self.entries;
        (first.fingerprint, third.fingerprint, self.has_forgotten)
    }
}

impl Bucket {
    pub(super) const EMPTY: Self =
        Self { entries: [GhostEntry::EMPTY; SLOTS], has_forgotten: false };

    /// Whether a ghost entry was ever dropped from it.
    pub(super) fn has_forgotten(&self) -> bool {
        self.has_forgotten
    }

    pub(super) fn find(&self, fingerprint: u32) -> Option<Ghost> {
        self.position(fingerprint).and_then(|position| self.entries[position].ghost())
    }

    /// Takes over what another bucket remembers. Where there is no room, the oldest records are
    /// dropped.
    fn absorb(&mut self, other: &Self) {
        self.has_forgotten |= other.has_forgotten;
        for entry in other.entries.iter().filter(|entry| !entry.is_empty()) {
            let Some(place) = self.place_for(entry.fingerprint) else { continue };
            let held = self.entries[place];
            if held.is_empty() || held.age() < entry.age() {
                self.entries[place] = *entry;
            }
            self.has_forgotten |= !held.is_empty() && !held.is_of(entry.fingerprint);
        }
    }

    /// Inserts a ghost entry. It takes the place of the key's older one, or an empty place, or that
    /// of the oldest record: few records that still come are older than that one.
    pub(super) fn insert(&mut self, fingerprint: u32, ghost: Ghost) {
        let Some(place) = self.place_for(fingerprint) else { return };
        let dropped = self.entries[place];
        self.has_forgotten |= !dropped.is_empty() && !dropped.is_of(fingerprint);
        self.entries[place] = GhostEntry::new(fingerprint, ghost);
    }

    /// Drops what is remembered of a key. It cannot be called never seen from then on.
    pub(super) fn forget(&mut self, fingerprint: u32) {
        self.has_forgotten = true;
        self.retain(|entry| !entry.is_of(fingerprint));
    }

    /// Drops what is remembered of records of a partition.
    pub(super) fn forget_partition(&mut self, partition: i32) {
        self.retain(|entry| entry.partition != partition);
    }

    fn retain(&mut self, keep: impl Fn(GhostEntry) -> bool) {
        for entry in &mut self.entries {
            if !entry.is_empty() && !keep(*entry) {
                *entry = GhostEntry::EMPTY;
                self.has_forgotten = true;
            }
        }
    }

    /// The place of the key, or an empty one, or that of the oldest record.
    fn place_for(&self, fingerprint: u32) -> Option<usize> {
        let places = || self.entries.iter().enumerate();
        let oldest = || places().min_by_key(|(_, entry)| (!entry.is_empty(), entry.age()));
        self.position(fingerprint).or_else(|| oldest().map(|(place, _)| place))
    }

    fn position(&self, fingerprint: u32) -> Option<usize> {
        self.entries.iter().position(|entry| entry.is_of(fingerprint))
    }
}

/// The same ghost entries in another number of buckets, each of which has an equal share of all
/// keys. An old bucket may share keys with several new ones: each of those gets its ghost entries.
pub(super) fn resized(buckets: &[Bucket], count: usize) -> Box<[Bucket]> {
    let mut resized = vec![Bucket::EMPTY; count].into_boxed_slice();
    let before = buckets.len();
    for (number, bucket) in buckets.iter().enumerate() {
        let first = number * count / before;
        let last = ((number + 1) * count - 1) / before;
        resized[first..=last].iter_mut().for_each(|each| each.absorb(bucket));
    }
    resized
}
