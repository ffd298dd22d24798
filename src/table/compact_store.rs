//! The dense store: records packed one after the other into segments, found by an index
//! of five bytes a slot.
//!
//! A record is copied once, to the end of its shard's newest segment. With one time to live
//! a table, the order in which records are written is all but the order in which
//! they expire, so a full table lets its oldest segment go as a whole, without a timer or a
//! list per entry. What a newer record replaces is dead where it lies. A shard that has more
//! than an eighth of its memory dead, or a sixteenth where the store is nearly full, moves
//! what is alive together, in place, segment by segment; only the two that are appended to
//! have to wait for it.
//!
//! Keys are spread over so many shards that each is small: a walk, a sweep or an index that
//! is built anew holds up one shard for some milliseconds, and no other. All memory, the
//! index and unused room too, is reserved in the ledger before it is allocated, so the store
//! weighs what it takes and never takes more than its level. What is counted is counted in
//! the shard, under its lock: no counter is shared between threads.

mod index;
mod layout;
mod log;
mod segment;
mod shard;

use std::array;
use std::fmt;
use std::hint;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use super::Inserted;
use super::counts::Counts;
use super::ghosts::{Ghost, GhostEntries, KeyHash, MissReason};
use super::ledger::{Ledger, LedgerSnapshot};
use super::store::{LOOKAHEAD, Store};
use super::weight::WeightParts;
use crate::heap::{self, Account};
use crate::record::{Draft, EntryView, Timestamp};
use layout::Layout;
use log::Summary;
use shard::Shard;

/// There is a shard for each so many bytes of capacity.
const SHARD_BYTES: u64 = 2 << 20;
const MAX_SHARDS: u64 = 1 << 16;

/// The oldest segment is looked for in so many shards, others each time.
const SAMPLE: usize = 8;

/// How long a shard that was swept is left alone: such a part of the time to live, within
/// bounds. Lookups do not rely on it.
const SWEEP_PART: u32 = 1_024;
const SWEEP_INTERVALS: RangeInclusive<Duration> =
    Duration::from_millis(250)..=Duration::from_secs(5);

/// What an entry takes of the index, on average, in bytes.
const SLOT_BYTES: u64 = 8;

pub(super) struct CompactStore {
    shards: Box<[Slot]>,
    shared: Shared,
    hand: AtomicUsize,
    sweep_interval: Duration,
    account: Account,
}

/// What all shards go by.
struct Shared {
    layout: Layout,
    ledger: Ledger,
    ghosts: GhostEntries,
    births: AtomicU64,
}

impl Shared {
    fn next_birth(&self) -> u64 {
        self.births.fetch_add(1, Ordering::Relaxed)
    }
}

/// Why nothing could be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacking {
    /// The store is full.
    Room,
    /// The shard has as many segments as it can have.
    RoomInShard,
}

/// A shard, and what can be known of it without a lock.
#[derive(Default)]
struct Slot {
    shard: RwLock<Shard>,
    /// When its oldest segment was begun, and one; zero if it has none.
    oldest: AtomicU64,
    /// When its first record expires, or before that.
    first_expiry: AtomicI64,
    swept: AtomicI64,
}

impl Slot {
    fn read(&self) -> RwLockReadGuard<'_, Shard> {
        self.shard.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Shard) -> T) -> T {
        let mut shard = self.shard.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut shard);
        let Summary { oldest, first_expiry } = shard.summary();
        self.oldest.store(oldest.map_or(0, |(_, born)| born + 1), Ordering::Relaxed);
        self.first_expiry.store(first_expiry.as_millis(), Ordering::Relaxed);
        changed
    }

    /// When its oldest segment was begun, by the count of segments; none if it is empty.
    fn oldest(&self) -> Option<u64> {
        self.oldest.load(Ordering::Relaxed).checked_sub(1)
    }

    fn is_empty(&self) -> bool {
        self.oldest().is_none()
    }

    fn is_due(&self, now: Timestamp, interval: Duration) -> bool {
        let time = |at: &AtomicI64| Timestamp::from_millis(at.load(Ordering::Relaxed));
        let swept = time(&self.swept);
        // Or else the clock was set back.
        let was_just_swept = swept <= now && swept.until(now) < interval;
        !self.is_empty() && time(&self.first_expiry) <= now && !was_just_swept
    }

    fn sweep(&self, shared: &Shared, now: Timestamp) {
        self.write(|shard| shard.sweep(shared, now));
        self.swept.store(now.as_millis(), Ordering::Relaxed);
    }
}

/// What the shards take while they are empty, in bytes.
fn shards_bytes(shards: &[Slot]) -> u64 {
    heap::rounded_up(size_of_val(shards)) as u64
}

impl CompactStore {
    /// Of entries of `capacity_bytes` that live for `ttl`, most of them, and `gone` beside
    /// them; charged to `account`.
    pub(super) fn new(
        capacity_bytes: u64,
        ttl: Duration,
        ghosts: GhostEntries,
        account: Account,
    ) -> Self {
        let shards = (capacity_bytes / SHARD_BYTES).clamp(1, MAX_SHARDS);
        let shards: Box<[Slot]> = (0..shards).map(|_| Slot::default()).collect();
        let layout = Layout {
            beginning: Timestamp::now(),
            ttl_millis: i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX),
        };
        let ledger = Ledger::new(capacity_bytes - shards_bytes(&shards));
        let shared = Shared { layout, ledger, ghosts, births: AtomicU64::new(0) };
        let sweep_interval =
            (ttl / SWEEP_PART).clamp(*SWEEP_INTERVALS.start(), *SWEEP_INTERVALS.end());
        Self { shards, shared, hand: AtomicUsize::new(0), sweep_interval, account }
    }

    /// The shard that a key falls to.
    fn slot(&self, mark: KeyHash) -> &Slot {
        // By bits of the hash that the index uses last.
        let share = (mark.hash() >> 24) & u64::from(u32::MAX);
        let number = (share * self.shards.len() as u64) >> 32;
        &self.shards[usize::try_from(number).unwrap_or(0)]
    }

    fn store(&self, draft: &Draft<'_>, now: Timestamp) -> Inserted {
        let (key, entry) = (draft.key(), draft.entry());
        let mark = self.shared.ghosts.mark(key);
        let slot = self.slot(mark);
        let mut packed = self.shared.layout.pack(key, &entry);
        let weight_bytes = packed.bytes() as u64 + SLOT_BYTES;
        while weight_bytes <= self.shared.ledger.max_entry_bytes() {
            match slot.write(|shard| shard.insert(&self.shared, mark, &mut packed, now)) {
                Ok(inserted) => return inserted,
                Err(Lacking::RoomInShard) if self.evict_from(slot, now) => {}
                Err(_) if self.is_empty() => break,
                Err(_) => self.evict_oldest(now),
            }
        }
        self.take_away(key, Ghost::deleted_by(entry.origin), now);
        Inserted::TooLarge
    }

    fn take_away(&self, key: &str, why: Ghost, now: Timestamp) {
        let mark = self.shared.ghosts.mark(key);
        self.slot(mark).write(|shard| {
            shard.remove(&self.shared, mark, key, now);
            self.shared.ghosts.note(mark, why);
        });
    }

    /// Lets go of the oldest segment, as far as a look at some shards can tell.
    fn evict_oldest(&self, now: Timestamp) {
        let from = self.hand.fetch_add(SAMPLE, Ordering::Relaxed);
        let sample = (from..from + SAMPLE).map(|at| &self.shards[at % self.shards.len()]);
        let held = sample.filter_map(|slot| Some((slot.oldest()?, slot)));
        if let Some((_, slot)) = held.min_by_key(|&(oldest, _)| oldest) {
            self.evict_from(slot, now);
        }
    }

    /// False if there is nothing to let go of.
    fn evict_from(&self, slot: &Slot, now: Timestamp) -> bool {
        slot.write(|shard| shard.evict(&self.shared, now))
    }

    fn sweep(&self, now: Timestamp) {
        let due = self.shards.iter().filter(|slot| slot.is_due(now, self.sweep_interval));
        due.for_each(|slot| slot.sweep(&self.shared, now));
    }

    fn is_empty(&self) -> bool {
        self.shards.iter().all(Slot::is_empty)
    }

    fn lower(&self, now: Timestamp) {
        while self.shared.ledger.is_over() && !self.is_empty() {
            self.evict_oldest(now);
        }
    }
}

impl Store for CompactStore {
    fn read(&self, key: &str, see: &mut dyn FnMut(EntryView<'_>)) {
        let mark = self.shared.ghosts.mark(key);
        let shard = self.slot(mark).read();
        if let Some(written) = shard.find(&self.shared, mark, key) {
            see(written.entry);
        }
    }

    fn prefetch(&self, keys: &mut dyn Iterator<Item = &str>) {
        // Before the locks: a key can be long.
        let marks: [_; LOOKAHEAD] =
            array::from_fn(|_| keys.next().map(|key| self.shared.ghosts.mark(key)));
        // None is waited for, and none taken in between: it would have to wait for what was
        // asked of the memory before.
        let sought =
            marks.map(|mark| mark.and_then(|m| Some((m, self.slot(m).shard.try_read().ok()?))));
        let places = sought.each_ref().map(|sought| {
            let (mark, shard) = sought.as_ref()?;
            Some((shard, shard.likely_place(*mark)?))
        });
        let touched = places.map(|found| found.map(|(shard, place)| shard.touch(place)));
        hint::black_box(touched);
    }

    fn insert(&self, draft: Draft<'_>, now: Timestamp) -> Inserted {
        self.account.charge(|| self.store(&draft, now))
    }

    fn remove(&self, key: &str, why: Ghost) {
        self.account.charge(|| self.take_away(key, why, Timestamp::now()));
    }

    fn miss_reason(&self, key: &str, now: Timestamp) -> MissReason {
        let mark = self.shared.ghosts.mark(key);
        // What leaves is noted under the lock that it leaves under.
        let shard = self.slot(mark).read();
        match shard.find(&self.shared, mark, key) {
            Some(found) if found.entry.is_expired(now) => {
                MissReason::Gone(Ghost::Expired(found.entry.expires_at))
            }
            // It came a moment ago.
            Some(_) => MissReason::Unknown,
            None => self.shared.ghosts.miss_reason(mark),
        }
    }

    fn settle(&self) {
        let now = Timestamp::now();
        self.account.charge(|| {
            self.sweep(now);
            self.lower(now);
        });
    }

    fn set_level(&self, capacity_bytes: u64, level_bytes: u64) {
        self.account.charge(|| {
            self.shared.ledger.set_level(capacity_bytes, level_bytes);
            self.lower(Timestamp::now());
        });
    }

    fn walk(&self, see: &mut dyn FnMut(&str, EntryView<'_>)) {
        // A key never moves to another shard.
        self.shards.iter().for_each(|slot| slot.read().walk(&self.shared, see));
    }

    fn weigh(&self, key: &str, entry: &EntryView<'_>) -> WeightParts {
        WeightParts {
            key_bytes: key.len() as u64,
            fields_bytes: entry.fields.packed_bytes() as u64,
            header_bytes: self.shared.layout.pack(key, entry).header_bytes() as u64,
            rounding_bytes: 0,
            bookkeeping_bytes: SLOT_BYTES,
        }
    }

    fn ledger(&self) -> LedgerSnapshot {
        self.shared.ledger.snapshot()
    }

    fn counts(&self) -> Counts {
        self.shards.iter().map(|slot| slot.read().counts()).sum()
    }

    fn held_count(&self) -> u64 {
        self.shards.iter().map(|slot| slot.read().len() as u64).sum()
    }

    fn ghost_bytes(&self) -> u64 {
        self.shared.ghosts.bytes()
    }

    fn fixed_bytes(&self) -> u64 {
        shards_bytes(&self.shards) + self.ghost_bytes()
    }
}

impl fmt::Debug for CompactStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = &self.shared.ledger;
        f.debug_struct("CompactStore").field("ledger", ledger).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
