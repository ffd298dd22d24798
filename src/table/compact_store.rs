//! The dense store: records are appended to segments, and an index of five bytes a slot
//! finds them.
//!
//! ```text
//! key -- hash --> shard          one of many, each with a lock of its own
//!                   |
//!                   v
//!                 index          hash table; a slot is 1 byte of hash and a RecordPtr of 4
//!                   |            (17 bits: which segment, 15 bits: offset in it)
//!                   v
//!                 segment 7      | record | record | dead | record | ... free ... |
//!                                  up to 32 KiB; a large record has one to itself
//!                                  (layout.rs draws a record)
//! ```
//!
//! A record is copied once, to the end of its shard's newest segment. With one time to live for
//! a table, records expire nearly in the order in which they are written. So a full table evicts
//! its oldest segment as a whole, without a timer or a list link for each entry. A record that is
//! replaced stays in its segment as a dead one. A shard compacts segments, one by one, when more
//! than an eighth of its memory is dead, or a sixteenth in a store that is nearly full. Where nobody
//! writes, maintenance goes on until no more than a thirty-second is dead.
//!
//! Shards are small, so that a walk, a sweep, a compaction or an index that is rebuilt holds up
//! one of them for some milliseconds, and no other. Each counts its own entries under its
//! lock: threads share no counter.
//!
//! The store reserves all its memory in the quota before it allocates, unused room and the index
//! included, with one exception. While an index is rebuilt, the old and the new one are both in
//! memory and only one is reserved. So the store may take more than its limit for some
//! milliseconds: by one index of one shard, some 160 KiB at 20,000 entries a shard, for each
//! thread that rebuilds one.

mod entry_weight;
mod index;
mod layout;
mod locked_shard;
mod log;
mod segment;
mod shard;
mod shared;

use std::fmt;
use std::hint;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::changes::ChangeLog;
use super::counts::Counts;
use super::evictions::Evictions;
use super::ghosts::{GhostEntries, KeyHash};
use super::miss_reason::{Ghost, MissReason};
use super::quota::Quota;
use super::scan::{PartBuilder, ScanPart, ScanPosition};
use super::store::{Inserted, LOOKAHEAD, Removed, Store};
use super::weight::WeightParts;
use crate::heap;
use crate::record::{Draft, EntryView, RankedBy, Timestamp};
use entry_weight::weight_parts;
use layout::Layout;
use locked_shard::LockedShard;
use shard::Shard;
use shared::{InsertError, Shared};

/// There is a shard for each so many bytes of capacity.
const SHARD_BYTES: u64 = 2 << 20;
const MAX_SHARDS: u64 = 1 << 16;

/// How many shards are compared to find the oldest segment, others each time.
const SAMPLE: usize = 8;

/// How long a shard is left alone after a sweep: this part of the time to live, within bounds.
/// Lookups do not rely on sweeps.
const SWEEP_PART: u32 = 1_024;
const SWEEP_INTERVALS: RangeInclusive<Duration> =
    Duration::from_millis(250)..=Duration::from_secs(5);

/// A part of a scan has at most so many keys, and ends after so many shards: after some hundred
/// milliseconds.
const PART_KEYS: usize = 8 << 10;
const PART_SHARDS: usize = 64;

/// How many segments are compacted at a time while nobody writes: some two milliseconds of work.
const IDLE_SEGMENTS: usize = 32;

pub(super) struct CompactStore {
    shards: Box<[LockedShard]>,
    shared: Shared,
    next_sample: AtomicUsize,
    sweep_interval: Duration,
}

/// What the shards take while they are empty, in bytes.
fn shards_bytes(shards: &[LockedShard]) -> u64 {
    heap::rounded_up(size_of_val(shards)) as u64
}

impl CompactStore {
    /// A store of a table of that capacity, with these ghost entries in it, that is made at `now` and
    /// records its changes.
    pub(super) fn new(
        capacity_bytes: u64,
        ttl: Duration,
        (ghosts, changes): (GhostEntries, Arc<ChangeLog>),
        ranked_by: RankedBy,
        now: Timestamp,
    ) -> Self {
        let shards = ((capacity_bytes - ghosts.bytes()) / SHARD_BYTES).clamp(1, MAX_SHARDS);
        let shards: Box<[LockedShard]> = (0..shards).map(|_| LockedShard::default()).collect();
        let layout = Layout {
            beginning: now,
            ttl_millis: i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX),
        };
        let quota = Quota::new(capacity_bytes, ghosts.bytes() + shards_bytes(&shards));
        let shared = Shared::new(layout, quota, (ghosts, changes), ranked_by);
        let sweep_interval =
            (ttl / SWEEP_PART).clamp(*SWEEP_INTERVALS.start(), *SWEEP_INTERVALS.end());
        Self { shards, shared, next_sample: AtomicUsize::new(0), sweep_interval }
    }

    /// The shard that a key falls to.
    fn shard(&self, key_hash: KeyHash) -> &LockedShard {
        &self.shards[self.shard_number(key_hash)]
    }

    fn shard_number(&self, key_hash: KeyHash) -> usize {
        // By bits of the hash that an index uses last, and a scan first.
        let bits = (key_hash.as_u64() >> 24) & u64::from(u32::MAX);
        let number = (bits * self.shards.len() as u64) >> 32;
        usize::try_from(number).unwrap_or(0)
    }

    /// The last position of the keys that fall to a shard; none for the last shard.
    fn end_of_shard(&self, number: usize) -> Option<ScanPosition> {
        let shards = self.shards.len() as u64;
        let next = number as u64 + 1;
        let first_of_next = (next << 32).div_ceil(shards) << 32;
        (next < shards).then(|| ScanPosition::from_u64(first_of_next - 1))
    }

    /// Evicts the oldest segment, as far as a look at some shards can tell.
    fn evict_oldest(&self, now: Timestamp) {
        let from = self.next_sample.fetch_add(SAMPLE, Ordering::Relaxed);
        let sample = (from..from + SAMPLE).map(|at| &self.shards[at % self.shards.len()]);
        let held = sample.filter_map(|shard| Some((shard.oldest_sequence()?, shard)));
        if let Some((_, shard)) = held.min_by_key(|&(sequence, _)| sequence) {
            self.evict_from(shard, now);
        }
    }

    /// Evicts the oldest segment of a shard; false if it has none.
    fn evict_from(&self, shard: &LockedShard, now: Timestamp) -> bool {
        shard.write(|shard| shard.evict_oldest(&self.shared, now))
    }

    fn sweep(&self, now: Timestamp) {
        let due = self.shards.iter().filter(|shard| shard.is_due(now, self.sweep_interval));
        due.for_each(|shard| shard.sweep(&self.shared, now));
    }

    /// Compacts some segments of shards that nobody writes to.
    fn compact_when_idle(&self) {
        let mut left = IDLE_SEGMENTS;
        for shard in &self.shards {
            while left > 0 && shard.compact_when_idle(&self.shared) {
                left -= 1;
            }
        }
    }

    /// Makes the processor load the index slots and the records of these hashes.
    fn touch(&self, hashes: &[Option<KeyHash>; LOOKAHEAD]) {
        // No lock is waited for. All are taken before the first load, since to take one would
        // wait for the loads before it.
        let shards = hashes.map(|hash| hash.and_then(|h| Some((h, self.shard(h).try_read()?))));
        let pointers = shards.each_ref().map(|found| {
            let (hash, shard) = found.as_ref()?;
            Some((shard, shard.find_likely(*hash)?))
        });
        let touched = pointers.map(|found| found.map(|(shard, ptr)| shard.touch(ptr)));
        hint::black_box(touched);
    }

    fn is_empty(&self) -> bool {
        self.shards.iter().all(LockedShard::is_empty)
    }
}

impl Store for CompactStore {
    fn read(&self, key: &str, visit: &mut dyn FnMut(EntryView<'_>)) {
        let key_hash = self.shared.ghosts.hash(key);
        let shard = self.shard(key_hash).read();
        if let Some(record) = shard.find(&self.shared, key_hash, key) {
            visit(record.entry);
        }
    }

    fn prefetch(&self, keys: &mut dyn Iterator<Item = &str>) {
        self.touch(&self.shared.ghosts.hashes(keys));
    }

    fn prefetch_for_changes(&self, keys: &mut dyn Iterator<Item = &str>) {
        let hashes = self.shared.ghosts.hashes(keys);
        self.touch(&hashes);
        self.shared.ghosts.touch(&hashes);
    }

    fn insert(&self, draft: &Draft<'_>, now: Timestamp) -> Inserted {
        let (key, entry) = (draft.key(), draft.entry());
        let key_hash = self.shared.ghosts.hash(key);
        let shard = self.shard(key_hash);
        let mut record = self.shared.layout.encode(key, &entry);
        let entry_bytes = weight_parts(&record).total_bytes();
        while self.shared.quota.admits(entry_bytes) {
            let insert = |shard: &mut Shard| {
                let inserted = shard.insert(&self.shared, key_hash, &mut record, now)?;
                if matches!(inserted, Inserted::New | Inserted::Replaced) {
                    let is_replaced = inserted == Inserted::Replaced;
                    self.shared.changes.record_stored(key, &entry, is_replaced);
                }
                Ok(inserted)
            };
            match shard.write(insert) {
                Ok(inserted) => return inserted,
                Err(InsertError::ShardFull) if self.evict_from(shard, now) => {}
                Err(_) if self.is_empty() => break,
                Err(_) => self.evict_oldest(now),
            }
        }
        Inserted::TooLarge
    }

    fn remove(&self, key: &str, ghost: Ghost, now: Timestamp) -> Removed {
        let key_hash = self.shared.ghosts.hash(key);
        self.shard(key_hash).write(|shard| shard.remove(&self.shared, key_hash, key, ghost, now))
    }

    fn remove_partition(&self, partition: i32, now: Timestamp) {
        self.shared.ghosts.forget_partition(partition);
        for shard in &self.shards {
            shard.write(|shard| shard.remove_partition(&self.shared, partition, now));
        }
    }

    fn miss_reason(&self, key: &str, now: Timestamp) -> MissReason {
        let key_hash = self.shared.ghosts.hash(key);
        // Entries leave, and their ghost entries come, under this lock.
        let shard = self.shard(key_hash).read();
        match shard.find(&self.shared, key_hash, key) {
            Some(found) if found.entry.is_expired(now) => {
                let EntryView { expires_at, .. } = found.entry;
                MissReason::Ghost(Ghost::expired(found.entry.recency(), expires_at))
            }
            // It was stored after the lookup.
            Some(_) => MissReason::Unknown,
            None => self.shared.ghosts.miss_reason(key_hash),
        }
    }

    fn maintain(&self, now: Timestamp) {
        self.sweep(now);
        self.enforce_limit(now);
        self.compact_when_idle();
    }

    fn enforce_limit(&self, now: Timestamp) {
        while self.shared.quota.is_exceeded() && !self.is_empty() {
            self.evict_oldest(now);
        }
    }

    fn walk(&self, visit: &mut dyn FnMut(&str, EntryView<'_>)) {
        // A key never moves to another shard.
        self.shards.iter().for_each(|shard| shard.read().walk(&self.shared, visit));
    }

    fn scan_part(
        &self,
        after: Option<ScanPosition>,
        is_wanted: &dyn Fn(&str, EntryView<'_>) -> bool,
    ) -> ScanPart {
        let mut part = PartBuilder::new(after, PART_KEYS);
        let first = after.map_or(0, |after| self.shard_number(after.key_hash()));
        let mut end = None;
        for (number, shard) in self.shards.iter().enumerate().skip(first).take(PART_SHARDS) {
            shard.read().walk(&self.shared, &mut |key, entry| {
                if is_wanted(key, entry) {
                    part.offer(ScanPosition::of(self.shared.ghosts.hash(key)));
                }
            });
            end = self.end_of_shard(number);
            if part.is_full() {
                break;
            }
        }
        part.build(end)
    }

    fn read_at(&self, position: ScanPosition, visit: &mut dyn FnMut(&str, EntryView<'_>)) {
        let key_hash = position.key_hash();
        self.shard(key_hash).read().read_hash(&self.shared, key_hash, visit);
    }

    fn weigh(&self, key: &str, entry: &EntryView<'_>) -> WeightParts {
        weight_parts(&self.shared.layout.encode(key, entry))
    }

    fn quota(&self) -> &Quota {
        &self.shared.quota
    }

    fn evictions(&self) -> &Evictions {
        &self.shared.evictions
    }

    fn ghosts(&self) -> &GhostEntries {
        &self.shared.ghosts
    }

    fn counts(&self) -> Counts {
        self.shards.iter().map(|shard| shard.read().counts()).sum()
    }

    fn held_count(&self) -> u64 {
        self.shards.iter().map(|shard| shard.read().len() as u64).sum()
    }
}

impl fmt::Debug for CompactStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactStore").field("quota", &self.shared.quota).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
