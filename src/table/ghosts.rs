//! Why keys are gone: the last that is known of keys that have no entry any more.
//!
//! A fixed number of notes in buckets of four, found by the key's hash: half of it chooses
//! the bucket, the other half, 32 bits, stands for the key. So a key that has no note is
//! taken for another one with a probability of 4 in 2^32, and no more often is a reason
//! wrong. A bucket that is full forgets its oldest note, and remembers that it forgot:
//! from then on it cannot say of any key of its own that it was never there.
//!
//! The hash is keyed, so nobody can choose keys that crowd out each other's notes. The
//! notes are part of what their table may weigh, and take it from the start, so that
//! they can never be what a full table has no room for.

mod note;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::heap;
use crate::record::{Origin, Timestamp};
use note::Bucket;

/// What part of a table's capacity the notes take: one for every three entries or so.
const CAPACITY_PART: u64 = 64;
/// What they take at most: 1.8 million notes.
const MAX_BYTES: u64 = 32 << 20;
/// A lock for each so many bytes of them, and not more than so many locks.
const SHARD_BYTES: u64 = 4 << 10;
const MAX_SHARDS: u64 = 64;

/// Why a key has no entry any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ghost {
    /// Its time to live was over at that time.
    Expired(Timestamp),
    /// It was let go for room at that time.
    Evicted(Timestamp),
    /// The record there was a tombstone, or could not be kept.
    Deleted {
        /// Partition of the record.
        partition: i32,
        /// Its offset.
        offset: i64,
    },
}

impl Ghost {
    /// Deleted by the record of that origin.
    pub fn deleted_by(origin: Origin) -> Self {
        Self::Deleted { partition: origin.partition, offset: origin.offset }
    }
}

/// What is known of a key without an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissReason {
    /// No record of it was handled.
    NeverSeen,
    /// It had an entry, or would have had one.
    Gone(Ghost),
    /// That is not known: why may have been forgotten.
    Unknown,
}

/// What stands for a key: its hash, keyed anew for each table.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyHash(u64);

impl KeyHash {
    /// The hash itself, for whoever else finds keys by it.
    pub(super) fn hash(self) -> u64 {
        self.0
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half of it")]
    fn place(self) -> u32 {
        self.0 as u32
    }

    fn fingerprint(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// The notes. Readers and writers share it.
#[derive(Debug)]
pub(super) struct GhostEntries {
    hasher: RandomState,
    shards: Box<[Mutex<Box<[Bucket]>>]>,
    buckets_per_shard: u64,
}

impl GhostEntries {
    /// For a table of that capacity, a part of which it takes.
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let bytes = (capacity_bytes / CAPACITY_PART).min(MAX_BYTES);
        let shards = (bytes / SHARD_BYTES).clamp(1, MAX_SHARDS);
        let buckets_per_shard = (bytes / shards / size_of::<Bucket>() as u64).max(1);
        let buckets = usize::try_from(buckets_per_shard).unwrap_or(1);
        let shard = |_| Mutex::new(vec![Bucket::EMPTY; buckets].into());
        Self {
            hasher: RandomState::new(),
            shards: (0..shards).map(shard).collect(),
            buckets_per_shard,
        }
    }

    /// What it takes, in bytes; it never changes.
    pub(super) fn bytes(&self) -> u64 {
        let notes_bytes =
            heap::rounded_up(self.buckets() / self.shards.len() * size_of::<Bucket>());
        let locks_bytes = heap::rounded_up(size_of_val(&*self.shards));
        (locks_bytes + self.shards.len() * notes_bytes) as u64
    }

    fn buckets(&self) -> usize {
        usize::try_from(self.buckets_per_shard).unwrap_or(1) * self.shards.len()
    }

    pub(super) fn mark(&self, key: impl AsRef<[u8]>) -> KeyHash {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key.as_ref());
        KeyHash(hasher.finish())
    }

    /// Notes why a key is gone, in place of what was noted of it.
    pub(super) fn note(&self, mark: KeyHash, gone: Ghost) {
        self.with_bucket(mark, |bucket| bucket.note(mark.fingerprint(), gone));
    }

    /// Why a key that has no entry has none.
    pub(super) fn miss_reason(&self, mark: KeyHash) -> MissReason {
        self.with_bucket(mark, |bucket| match bucket.noted(mark.fingerprint()) {
            Some(gone) => MissReason::Gone(gone),
            None if bucket.forgot() => MissReason::Unknown,
            None => MissReason::NeverSeen,
        })
    }

    fn with_bucket<T>(&self, mark: KeyHash, work: impl FnOnce(&mut Bucket) -> T) -> T {
        let place = (u64::from(mark.place()) * self.buckets() as u64) >> 32;
        let place = usize::try_from(place).unwrap_or(0);
        let mut shard = lock(&self.shards[place % self.shards.len()]);
        work(&mut shard[place / self.shards.len()])
    }
}

fn lock(shard: &Mutex<Box<[Bucket]>>) -> MutexGuard<'_, Box<[Bucket]>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVICTED: Ghost = Ghost::Evicted(Timestamp::from_millis(5));

    fn deleted(offset: i64) -> Ghost {
        Ghost::Deleted { partition: 3, offset }
    }

    #[test]
    fn the_newest_reason_of_a_key_is_what_is_told() {
        let keys = GhostEntries::new(1 << 20);
        let mark = keys.mark("a");
        assert_eq!(keys.miss_reason(mark), MissReason::NeverSeen);
        for gone in [EVICTED, deleted(7), Ghost::Expired(Timestamp::from_millis(-1)), deleted(0)] {
            keys.note(mark, gone);
            assert_eq!(keys.miss_reason(mark), MissReason::Gone(gone));
        }
    }

    #[test]
    fn what_is_forgotten_is_never_called_never_seen_and_no_reason_is_anothers() {
        let keys = GhostEntries::new(1 << 20);
        let buckets = i64::try_from(keys.buckets()).unwrap();
        let count = 20 * buckets;
        let key = |n: i64| format!("key-{n}");
        for n in 0..count {
            keys.note(keys.mark(key(n)), deleted(n));
        }
        let absences = (0..count).map(|n| (n, keys.miss_reason(keys.mark(key(n)))));
        let mut remembered = 0;
        for (n, absence) in absences {
            match absence {
                MissReason::Gone(gone) => {
                    assert_eq!(gone, deleted(n), "the reason of another key");
                    remembered += 1;
                }
                MissReason::Unknown => {}
                MissReason::NeverSeen => panic!("{n} was there"),
            }
        }
        assert!(remembered > buckets * 3, "{remembered} of {}", buckets * 4);
        let other = keys.miss_reason(keys.mark("never there"));
        assert_eq!(other, MissReason::Unknown, "it could be one of those");
    }

    #[test]
    fn it_takes_about_its_part_of_the_capacity_and_no_more_than_its_most() {
        for capacity_bytes in [64 << 10, 1 << 20, 600 << 20, 2 << 30] {
            let bytes = GhostEntries::new(capacity_bytes).bytes();
            let part = capacity_bytes / CAPACITY_PART;
            assert!((part * 9 / 10..=part * 13 / 10).contains(&bytes), "{bytes} of {part}");
        }
        assert!(GhostEntries::new(1 << 40).bytes() < 2 * MAX_BYTES);
    }
}
