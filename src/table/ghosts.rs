//! Ghost entries: the memory of keys that have no entry any more, and why.
//!
//! A ghost entry knows the newest record of its key. So an older record that comes late, from a
//! partition that is read more slowly, is recognised and does not bring the entry back. That holds
//! until the ghost entry is dropped: not for a time, but for so many other keys that leave.
//!
//! Their number follows the limit of the table, in large steps. They stand in buckets of four and
//! are found by the key's hash: its lower half chooses the bucket, its upper half, the fingerprint of
//! 32 bits, stands for the key. So a key without a ghost entry is taken for another key with a probability of 4 in 2^32.
//! A full bucket drops the ghost entry of the oldest record and notes that it did: from then on it
//! cannot say of any of its keys that no record of them was ever seen.
//!
//! The hash is keyed, so that nobody can choose keys which drop each other's ghost entries. The
//! memory is allocated when the table is made, or its limit is changed far, and is part of what the
//! table weighs: a full table always has room for them. While they are resized there is one
//! shard too many, which nobody counts.

mod bucket;

use std::array;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::hint;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::miss_reason::{Ghost, MissReason};
use crate::heap;
use crate::record::Recency;
use bucket::Bucket;

/// What part of a table's capacity they take: one for every fifteen entries of the compact store,
/// or every five of moka.
const CAPACITY_PART: u64 = 64;
/// What they take at most: room for nearly a million.
const MAX_BYTES: u64 = 32 << 20;
/// There is a lock for each so many bytes, up to so many locks.
const SHARD_BYTES: u64 = 4 << 10;
const MAX_SHARDS: u64 = 64;
/// They are resized where they take so many times more or less than their part of the limit.
const MISFIT: u64 = 4;

/// The hash of a key, with a hash key that each table draws anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyHash(u64);

impl KeyHash {
    pub(super) fn from_u64(hash: u64) -> Self {
        Self(hash)
    }

    pub(super) fn as_u64(self) -> u64 {
        self.0
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half of it")]
    fn lower_half(self) -> u32 {
        self.0 as u32
    }

    fn fingerprint(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// The ghost entries of one table. Readers and writers share it.
#[derive(Debug)]
pub(super) struct GhostEntries {
    hasher: RandomState,
    shards: Box<[Mutex<Box<[Bucket]>>]>,
    buckets_per_shard: AtomicUsize,
    /// Whether anything was ever remembered. A table that is loading for the first time need not look.
    has_any: AtomicBool,
}

impl GhostEntries {
    /// For a table of that capacity, a part of which they take.
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let shards = (part_of(capacity_bytes) / SHARD_BYTES).clamp(1, MAX_SHARDS);
        let buckets = buckets_per_shard(capacity_bytes, shards);
        let shard = |_| Mutex::new(vec![Bucket::EMPTY; buckets].into());
        Self {
            hasher: RandomState::new(),
            shards: (0..shards).map(shard).collect(),
            buckets_per_shard: AtomicUsize::new(buckets),
            has_any: AtomicBool::new(false),
        }
    }

    /// What they take, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes_of(self.buckets_per_shard.load(Ordering::Relaxed))
    }

    /// What they take once they are resized for a limit, in bytes; none if what they take is about
    /// right for it.
    pub(super) fn bytes_after_resize(&self, limit_bytes: u64) -> Option<u64> {
        let fitting = self.bytes_of(buckets_per_shard(limit_bytes, self.shards.len() as u64));
        let bytes = self.bytes();
        (bytes > MISFIT * fitting || fitting > MISFIT * bytes).then_some(fitting)
    }

    /// Makes them take their part of a limit. Where they become fewer, those of the newest records
    /// stay.
    pub(super) fn resize(&self, limit_bytes: u64) {
        let buckets = buckets_per_shard(limit_bytes, self.shards.len() as u64);
        self.buckets_per_shard.store(buckets, Ordering::Relaxed);
        for shard in &self.shards {
            let mut shard = shard.lock();
            *shard = bucket::resized(&shard, buckets);
        }
    }

    fn bytes_of(&self, buckets_per_shard: usize) -> u64 {
        let shard_bytes = heap::rounded_up(buckets_per_shard * size_of::<Bucket>());
        let locks_bytes = heap::rounded_up(size_of_val(&*self.shards));
        (locks_bytes + self.shards.len() * shard_bytes) as u64
    }

    /// Hashes a key.
    pub(super) fn hash(&self, key: impl AsRef<[u8]>) -> KeyHash {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key.as_ref());
        KeyHash(hasher.finish())
    }

    /// The hashes of the first so many keys.
    pub(super) fn hashes<const N: usize>(
        &self,
        keys: &mut dyn Iterator<Item = &str>,
    ) -> [Option<KeyHash>; N] {
        array::from_fn(|_| keys.next().map(|key| self.hash(key)))
    }

    /// Makes the processor load what these hashes lead to, all at once. No lock is waited for.
    pub(super) fn touch<const N: usize>(&self, hashes: &[Option<KeyHash>; N]) {
        if !self.has_any.load(Ordering::Relaxed) {
            return;
        }
        // All locks before the first load: to take one would wait for the loads before it.
        let shards = hashes.map(|hash| {
            let (number, rest) = share(hash?.lower_half(), self.shards.len());
            Some((self.shards[number].try_lock()?, rest))
        });
        let touched = shards.each_ref().map(|found| {
            let (shard, rest) = found.as_ref()?;
            shard.get(share(*rest, shard.len()).0).map(Bucket::touch)
        });
        hint::black_box(touched);
    }

    /// Remembers why a key has no entry, in place of what was remembered of it.
    pub(super) fn insert(&self, key_hash: KeyHash, ghost: Ghost) {
        self.has_any.store(true, Ordering::Relaxed);
        self.with_bucket(key_hash, |bucket| bucket.insert(key_hash.fingerprint(), ghost));
    }

    /// Why a key that has no entry has none.
    pub(super) fn miss_reason(&self, key_hash: KeyHash) -> MissReason {
        self.with_bucket(key_hash, |bucket| match bucket.find(key_hash.fingerprint()) {
            Some(ghost) => MissReason::Ghost(ghost),
            None if bucket.has_forgotten() => MissReason::Unknown,
            None => MissReason::NeverSeen,
        })
    }

    /// The newest record of a key that has no entry, as far as it is remembered. The caller holds the
    /// lock under which the key's entry leaves.
    pub(super) fn recency(&self, key_hash: KeyHash) -> Option<Recency> {
        if !self.has_any.load(Ordering::Relaxed) {
            return None;
        }
        let ghost = self.with_bucket(key_hash, |bucket| bucket.find(key_hash.fingerprint()))?;
        Some(ghost.recency)
    }

    /// Forgets a key. What was remembered of it is unknown from then on.
    pub(super) fn forget(&self, key_hash: KeyHash) {
        self.with_bucket(key_hash, |bucket| bucket.forget(key_hash.fingerprint()));
    }

    /// Forgets every record of a partition.
    pub(super) fn forget_partition(&self, partition: i32) {
        for shard in &self.shards {
            shard.lock().iter_mut().for_each(|bucket| bucket.forget_partition(partition));
        }
    }

    fn with_bucket<T>(&self, key_hash: KeyHash, work: impl FnOnce(&mut Bucket) -> T) -> T {
        let (number, rest) = share(key_hash.lower_half(), self.shards.len());
        let mut shard = self.shards[number].lock();
        // The number of buckets is known only under the lock.
        let (number, _) = share(rest, shard.len());
        work(&mut shard[number])
    }
}

/// Which of so many equal shares of all numbers a number falls into, and where in that share.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a number of 64 bits")]
fn share(number: u32, shares: usize) -> (usize, u32) {
    let product = u64::from(number) * shares as u64;
    ((product >> 32) as usize, product as u32)
}

/// What the ghost entries of a table of that limit should take, in bytes.
fn part_of(limit_bytes: u64) -> u64 {
    (limit_bytes / CAPACITY_PART).min(MAX_BYTES)
}

fn buckets_per_shard(limit_bytes: u64, shards: u64) -> usize {
    let buckets = part_of(limit_bytes) / shards / size_of::<Bucket>() as u64;
    usize::try_from(buckets.max(1)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Timestamp;

    fn recency(offset: i64) -> Recency {
        Recency { rank: offset - 5, partition: 3, offset }
    }

    fn bucket_count(ghosts: &GhostEntries) -> usize {
        ghosts.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn deleted(offset: i64) -> Ghost {
        Ghost::deleted_by(recency(offset))
    }

    #[test]
    fn the_newest_reason_of_a_key_is_the_one_given() {
        let ghosts = GhostEntries::new(1 << 20);
        let key_hash = ghosts.hash("a");
        assert_eq!(ghosts.miss_reason(key_hash), MissReason::NeverSeen);
        let evicted = Ghost::evicted(recency(1), Timestamp::from_millis(5));
        let expired = Ghost::expired(recency(-9), Timestamp::from_millis(-1));
        for ghost in [evicted, deleted(7), expired, deleted(0)] {
            ghosts.insert(key_hash, ghost);
            assert_eq!(ghosts.miss_reason(key_hash), MissReason::Ghost(ghost));
            assert_eq!(ghosts.recency(key_hash), Some(ghost.recency));
        }
    }

    #[test]
    fn a_forgotten_key_is_never_called_never_seen_and_no_key_has_the_reason_of_another() {
        let ghosts = GhostEntries::new(1 << 20);
        let buckets = i64::try_from(bucket_count(&ghosts)).unwrap();
        let count = 20 * buckets;
        let key = |n: i64| format!("key-{n}");
        for n in 0..count {
            ghosts.insert(ghosts.hash(key(n)), deleted(n));
        }
        let reasons = (0..count).map(|n| (n, ghosts.miss_reason(ghosts.hash(key(n)))));
        let mut remembered = 0;
        for (n, reason) in reasons {
            match reason {
                MissReason::Ghost(ghost) => {
                    assert_eq!(ghost, deleted(n), "the reason of another key");
                    remembered += 1;
                }
                MissReason::Unknown => {}
                MissReason::NeverSeen => panic!("{n} was there"),
            }
        }
        assert!(remembered > buckets * 3, "{remembered} of {}", buckets * 4);
        let other = ghosts.miss_reason(ghosts.hash("never there"));
        assert_eq!(other, MissReason::Unknown, "it could be a key that was forgotten");
    }

    #[test]
    fn records_of_a_partition_that_is_forgotten_are_unknown_and_others_stay() {
        // So many buckets that the keys are in three of them.
        let ghosts = GhostEntries::new(1 << 28);
        let (a, b, c) = (ghosts.hash("a"), ghosts.hash("b"), ghosts.hash("c"));
        let of_another = Ghost::deleted_by(Recency { rank: 0, partition: 4, offset: 1 });
        ghosts.insert(a, deleted(7));
        ghosts.insert(b, of_another);
        ghosts.forget_partition(3);
        assert_eq!(ghosts.miss_reason(a), MissReason::Unknown);
        assert_eq!(ghosts.miss_reason(b), MissReason::Ghost(of_another));
        assert_eq!(ghosts.miss_reason(c), MissReason::NeverSeen);
        ghosts.forget(b);
        assert_eq!((ghosts.recency(b), ghosts.miss_reason(b)), (None, MissReason::Unknown));
    }

    /// Which of the keys are remembered. The others must be unknown.
    fn remembered(ghosts: &GhostEntries, count: i64) -> Vec<i64> {
        let is_remembered = |n: &i64| match ghosts.miss_reason(ghosts.hash(n.to_string())) {
            MissReason::Ghost(ghost) => {
                assert_eq!(ghost, deleted(*n), "the reason of another key");
                true
            }
            MissReason::Unknown => false,
            MissReason::NeverSeen => panic!("{n} was there"),
        };
        (0..count).filter(is_remembered).collect()
    }

    #[test]
    fn ghost_entries_that_become_fewer_keep_the_newest_records_and_call_no_key_never_seen() {
        for (from, to) in [(8 << 20, 1 << 20), (8 << 20, 700 << 10), (1 << 20, 64 << 10)] {
            let ghosts = GhostEntries::new(from);
            let count = i64::try_from(bucket_count(&ghosts)).unwrap() * 3;
            (0..count).for_each(|n| ghosts.insert(ghosts.hash(n.to_string()), deleted(n)));
            let before = remembered(&ghosts, count).len();
            assert_eq!(ghosts.bytes_after_resize(from), None);
            let bytes = ghosts.bytes_after_resize(to).unwrap();
            ghosts.resize(to);
            assert_eq!(ghosts.bytes(), bytes);
            assert!(bytes < to / 40, "{bytes} of {to}");

            let left = remembered(&ghosts, count);
            let room = bucket_count(&ghosts) * 4;
            assert!((room / 10 * 8..=room).contains(&left.len()), "{} of {room}", left.len());
            let newest = left.iter().filter(|n| **n > count / 2).count();
            assert!(newest > left.len() / 10 * 9, "{newest} of {} of {before}", left.len());

            ghosts.resize(from);
            assert_eq!(remembered(&ghosts, count), left, "none is lost to grow");
            ghosts.insert(ghosts.hash("0"), deleted(0));
            assert!(remembered(&ghosts, 1).len() == 1);
        }
    }

    #[test]
    fn keys_that_were_never_there_are_still_known_as_such_after_a_resize() {
        let ghosts = GhostEntries::new(8 << 20);
        ghosts.insert(ghosts.hash("a"), deleted(1));
        for limit in [1 << 20, 16 << 20] {
            ghosts.resize(limit);
            assert_eq!(ghosts.miss_reason(ghosts.hash("a")), MissReason::Ghost(deleted(1)));
            assert_eq!(ghosts.miss_reason(ghosts.hash("b")), MissReason::NeverSeen);
        }
    }

    #[test]
    fn ghost_entries_take_about_their_part_of_the_capacity_up_to_their_most() {
        for capacity_bytes in [64 << 10, 1 << 20, 600 << 20, 2 << 30] {
            let bytes = GhostEntries::new(capacity_bytes).bytes();
            let part = capacity_bytes / CAPACITY_PART;
            assert!((part * 9 / 10..=part * 13 / 10).contains(&bytes), "{bytes} of {part}");
        }
        assert!(GhostEntries::new(1 << 40).bytes() < 2 * MAX_BYTES);
    }
}
