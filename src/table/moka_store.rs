//! The default store: moka's concurrent cache, held to its capacity in real bytes.
//!
//! moka settles its accounts some time after a write. So the capacity is kept by
//! the ledger, before the write, and moka is told a little less: what it evicts to
//! is low enough for the next entry. It evicts the least recently used (its other
//! policy turns away new keys when a cache is full), and calls the removal
//! listener once for each value that leaves, which is what the books stand on.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::Inserted;
use super::ledger::{Ledger, LedgerSnapshot, Removal};
use super::weight::{max_entry_bytes, weigh};
use crate::record::{Entry, Key, Timestamp};

pub(super) struct MokaStore {
    cache: Cache<Key, Entry>,
    ledger: Arc<Ledger>,
    max_entry_bytes: u64,
    writers: KeyLocks,
}

impl MokaStore {
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let ledger = Arc::new(Ledger::new(capacity_bytes));
        let max_entry_bytes = max_entry_bytes(capacity_bytes);
        let cache = Cache::builder()
            .max_capacity(capacity_bytes - max_entry_bytes)
            .weigher(|key, entry| u32::try_from(weigh(key, entry)).unwrap_or(u32::MAX))
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(AtEntryExpiry)
            .eviction_listener(book_removals(Arc::clone(&ledger)))
            .build();
        Self { cache, ledger, max_entry_bytes, writers: KeyLocks::default() }
    }

    pub(super) fn get(&self, key: &str) -> Option<Entry> {
        self.cache.get(key)
    }

    pub(super) fn insert(&self, key: Key, entry: Entry) -> Inserted {
        let weight_bytes = weigh(&key, &entry);
        if weight_bytes > self.max_entry_bytes {
            self.remove(key.as_str());
            return Inserted::TooLarge;
        }
        self.make_room(weight_bytes);
        let _writer = self.writers.lock(key.as_str());
        let replaces = self.cache.contains_key(key.as_str());
        self.ledger.stored();
        self.cache.insert(key, entry);
        if replaces { Inserted::Replaced } else { Inserted::New }
    }

    pub(super) fn remove(&self, key: &str) {
        let _writer = self.writers.lock(key);
        if self.cache.contains_key(key) {
            // moka forgets the change of weight of a replacement that is removed before
            // it was settled. What it forgot it would hold against the capacity for good.
            self.cache.run_pending_tasks();
            self.cache.invalidate(key);
        }
    }

    pub(super) fn maintain(&self) {
        self.cache.run_pending_tasks();
    }

    pub(super) fn ledger(&self) -> LedgerSnapshot {
        self.ledger.snapshot()
    }

    /// Every entry held, but for expired ones.
    #[cfg(test)]
    pub(super) fn walk(&self) -> impl Iterator<Item = (Arc<Key>, Entry)> {
        self.cache.iter()
    }

    /// What moka takes the entries to weigh, in bytes.
    #[cfg(test)]
    pub(super) fn settled_bytes(&self) -> u64 {
        self.cache.weighted_size()
    }

    /// Reserves room for an entry, evicting until there is some.
    fn make_room(&self, weight_bytes: u64) {
        while !self.ledger.reserve(weight_bytes) {
            self.cache.run_pending_tasks();
        }
    }
}

impl fmt::Debug for MokaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MokaStore").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// Lets one writer at a time at a key. Keys share locks; readers take none.
struct KeyLocks {
    hasher: std::hash::RandomState,
    locks: [Mutex<()>; 64],
}

impl Default for KeyLocks {
    fn default() -> Self {
        Self { hasher: std::hash::RandomState::new(), locks: [const { Mutex::new(()) }; 64] }
    }
}

impl KeyLocks {
    fn lock(&self, key: &str) -> MutexGuard<'_, ()> {
        let lock = self.hasher.hash_one(key) % self.locks.len() as u64;
        #[expect(clippy::cast_possible_truncation, reason = "it is less than their number")]
        self.locks[lock as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn book_removals(ledger: Arc<Ledger>) -> impl Fn(Arc<Key>, Entry, RemovalCause) {
    move |key, entry, cause| ledger.removed(cause_of(&entry, cause), weigh(&key, &entry))
}

/// An entry past its expiry was absent already, whatever made moka let go of it.
fn cause_of(entry: &Entry, cause: RemovalCause) -> Removal {
    if entry.is_expired(Timestamp::now()) {
        return Removal::Expired;
    }
    match cause {
        RemovalCause::Expired => Removal::Expired,
        RemovalCause::Explicit => Removal::Deleted,
        RemovalCause::Replaced => Removal::Replaced,
        RemovalCause::Size => Removal::Evicted,
    }
}

/// Tells moka's timer when to sweep; reads do not rely on it.
struct AtEntryExpiry;

impl AtEntryExpiry {
    fn time_left(entry: &Entry) -> Duration {
        Timestamp::now().until(entry.expires_at())
    }
}

impl Expiry<Key, Entry> for AtEntryExpiry {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(Self::time_left(entry))
    }

    /// Without this the new value would inherit what was left of the old one's time.
    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(Self::time_left(entry))
    }
}
