//! The default store: moka's concurrent cache, held to the table's limit in real bytes.
//!
//! moka updates its own weights some time after a write, so the quota enforces the limit before
//! the write. moka cannot be resized. So a placeholder entry (`placeholder`) weighs the difference
//! between moka's capacity and what entries may take, plus room for one largest entry. Once moka
//! has evicted down to its capacity, the next entry fits.
//!
//! moka evicts the least recently used entry (its other policy refuses new keys when a cache is
//! full). It calls the eviction listener once for each entry that it removes itself, and the
//! listener accounts for it.
//!
//! A newer record does not overwrite the older entry: moka would keep the first copy of the key
//! beside the latest one for as long as the entry lives. The older entry is taken out first, and
//! a lookup that finds nothing meanwhile waits for the writer.

mod accounting;
mod entry_weight;
mod key_locks;
mod placeholder;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::counts::{Counts, Removal};
use super::evictions::Evictions;
use super::ghosts::GhostEntries;
use super::miss_reason::{Ghost, MissReason};
use super::quota::Quota;
use super::store::{Inserted, Removed, Store};
use super::weight::WeightParts;
use crate::clock::Clock;
use crate::heap::Account;
use crate::record::{Draft, Entry, EntryView, Key, RankedBy, Recency, Timestamp};
use accounting::Accounting;
use entry_weight::{entry_weight_bytes, weight_parts};
use key_locks::KeyLocks;
use placeholder::{CACHE_UNITS, CacheKey, Placeholder};

pub(super) struct MokaStore {
    cache: Cache<CacheKey, Entry>,
    accounting: Arc<Accounting>,
    placeholder: Placeholder,
    writers: KeyLocks,
    ranked_by: RankedBy,
    account: Account,
}

impl MokaStore {
    /// A store of a table of that capacity, with these ghost entries in it. Lookups, which the
    /// table does not charge, are charged to `account`.
    pub(super) fn new(
        capacity_bytes: u64,
        ghosts: GhostEntries,
        ranked_by: RankedBy,
        account: Account,
        clock: Clock,
    ) -> Self {
        let placeholder = Placeholder::new(capacity_bytes - ghosts.bytes());
        let quota = Quota::new(capacity_bytes, ghosts.bytes());
        let expiry = AtEntryExpiry(clock.clone());
        let accounting = Arc::new(Accounting::new(quota, ghosts, clock));
        let cache = Cache::builder()
            .max_capacity(CACHE_UNITS)
            .weigher(placeholder.weigher())
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(expiry)
            .eviction_listener(Arc::clone(&accounting).listener())
            .build();
        let writers = KeyLocks::default();
        let store = Self { cache, accounting, placeholder, writers, ranked_by, account };
        store.insert_placeholder();
        store
    }

    fn get(&self, key: &str) -> Option<Entry> {
        if key.is_empty() {
            // It would find the placeholder.
            return None;
        }
        self.cache.get(key).or_else(|| {
            let _not_while_it_is_replaced = self.writers.lock(key);
            self.cache.get(key)
        })
    }

    /// Removes an expired entry. moka shows none, but removes it some seconds later. Does not
    /// wait for a writer: false if there is one.
    fn remove_expired(&self, key: &str) -> bool {
        let Some(_writer) = self.writers.try_lock(key) else { return false };
        if !self.cache.contains_key(key) {
            self.take_out_expired(key);
        }
        true
    }

    /// Takes out the entry of a key which moka does not show. The caller has the key locked.
    fn take_out_expired(&self, key: &str) {
        if let Some(entry) = self.cache.remove(key) {
            self.accounting.count_removed(key, &entry, Removal::Expired);
            let entry = entry.view();
            self.accounting.insert_ghost(key, Ghost::expired(entry.recency(), entry.expires_at));
        }
    }

    /// Takes out the entry of a key and accounts for it. The entry, if it was live. The caller
    /// has the key locked.
    fn take_out(&self, key: &str, removal: Removal, now: Timestamp) -> Option<Entry> {
        let entry = self.cache.remove(key)?;
        let is_live = !entry.view().is_expired(now);
        let removal = if is_live { removal } else { Removal::Expired };
        self.accounting.count_removed(key, &entry, removal);
        is_live.then_some(entry)
    }

    /// The recency of a record once it has taken the place of the newest known record of its key;
    /// none if it is superseded. The caller has the key locked.
    ///
    /// An entry that moka is just evicting is neither in the cache nor a ghost entry for some
    /// microseconds. An older record of its key that comes then is taken for new.
    fn admit(&self, key: &str, recency: Recency) -> Option<Recency> {
        let ghosts = &self.accounting.ghosts;
        let known = if let Some(entry) = self.cache.get(key) {
            Some(entry.view().recency())
        } else {
            self.take_out_expired(key);
            ghosts.recency(ghosts.hash(key))
        };
        recency.replacing(known, self.ranked_by)
    }

    /// Makes moka do what it put off, evictions included.
    fn run_pending(&self) {
        // Reading the placeholder makes it the most recently used entry. moka evicts the least
        // recently used ones, so the placeholder stays.
        if self.cache.get(CacheKey::PLACEHOLDER).is_none() {
            self.insert_placeholder();
        }
        self.cache.run_pending_tasks();
    }

    /// What the entries weigh by moka's own account, in bytes.
    #[cfg(test)]
    fn cached_bytes(&self) -> u64 {
        self.placeholder.entries_bytes(self.cache.weighted_size())
    }

    /// Reserves weight for an entry, and evicts until there is room. False for an entry that is
    /// too large, also where the capacity is lowered meanwhile.
    fn make_room(&self, entry_bytes: u64) -> bool {
        while self.accounting.quota.admits(entry_bytes) {
            if self.accounting.quota.reserve(entry_bytes) {
                return true;
            }
            self.run_pending();
        }
        false
    }

    fn insert_placeholder(&self) {
        let _one_at_a_time = self.placeholder.lock();
        let quota = &self.accounting.quota;
        let used_bytes = quota.fixed_bytes() + quota.max_entry_bytes();
        let (key, entry) = self.placeholder.leaving(quota.limit_bytes().saturating_sub(used_bytes));
        self.cache.insert(key, entry);
    }
}

impl Store for MokaStore {
    fn read(&self, key: &str, visit: &mut dyn FnMut(EntryView<'_>)) {
        // The visitor has a handle to the entry, so that nobody waits for it.
        if let Some(entry) = self.account.charge(|| self.get(key)) {
            visit(entry.view());
        }
    }

    fn insert(&self, draft: &Draft<'_>, now: Timestamp) -> Inserted {
        let (key, entry) = (draft.key(), draft.entry());
        let weight_bytes = entry_weight_bytes(key, &entry);
        if !self.make_room(weight_bytes) {
            return Inserted::TooLarge;
        }
        let mut record = draft.copy();
        let _writer = self.writers.lock(key);
        let Some(recency) = self.admit(key, entry.recency()) else {
            self.accounting.quota.release(weight_bytes);
            return Inserted::Superseded;
        };
        let older = self.take_out(key, Removal::Replaced, now);
        let replaced = older.as_ref().map(|older| older.view().replaced_count.saturating_add(1));
        record.entry.set_replacing(recency.rank, replaced.unwrap_or(0));
        let plucked_bytes = key.len() + entry.fields.packed_bytes();
        self.accounting.counts.lock().count_stored(plucked_bytes);
        self.cache.insert(CacheKey::of(record.key), record.entry);
        if older.is_some() { Inserted::Replaced } else { Inserted::New }
    }

    fn remove(&self, key: &str, ghost: Ghost, now: Timestamp) -> Removed {
        if key.is_empty() {
            // It would take out the placeholder.
            return Removed::Nothing;
        }
        let _writer = self.writers.lock(key);
        let Some(recency) = self.admit(key, ghost.recency) else { return Removed::Superseded };
        let removed = self.take_out(key, Removal::Deleted, now);
        // Last, so that it also replaces the ghost entry of an entry that moka removed meanwhile.
        self.accounting.insert_ghost(key, Ghost { recency, ..ghost });
        if removed.is_some() { Removed::Entry } else { Removed::Nothing }
    }

    fn remove_partition(&self, partition: i32, now: Timestamp) {
        let ghosts = &self.accounting.ghosts;
        ghosts.forget_partition(partition);
        let is_own = |entry: &Entry| entry.view().origin.partition == partition;
        for (key, entry) in &self.cache {
            let Some(key) = key.entry_key().map(Key::as_str).filter(|_| is_own(&entry)) else {
                continue;
            };
            let _writer = self.writers.lock(key);
            if self.cache.get(key).is_some_and(|entry| is_own(&entry)) {
                self.take_out(key, Removal::Deleted, now);
                ghosts.forget(ghosts.hash(key));
            }
        }
    }

    fn miss_reason(&self, key: &str, now: Timestamp) -> MissReason {
        if let Some(entry) = self.get(key) {
            let entry = entry.view();
            let ghost = Ghost::expired(entry.recency(), entry.expires_at);
            let expired = MissReason::Ghost(ghost);
            // A live entry was stored after the lookup.
            return if entry.is_expired(now) { expired } else { MissReason::Unknown };
        }
        let is_removed = self.remove_expired(key);
        let ghosts = &self.accounting.ghosts;
        match ghosts.miss_reason(ghosts.hash(key)) {
            MissReason::NeverSeen if !is_removed || self.cache.contains_key(key) => {
                MissReason::Unknown
            }
            reason => reason,
        }
    }

    fn maintain(&self, _now: Timestamp) {
        self.run_pending();
    }

    fn enforce_limit(&self, _now: Timestamp) {
        self.insert_placeholder();
        self.run_pending();
        // One run may not be enough: moka ends each after a tenth of a second.
        while self.quota().is_exceeded() && self.cache.entry_count() > 1 {
            self.run_pending();
        }
    }

    fn walk(&self, visit: &mut dyn FnMut(&str, EntryView<'_>)) {
        for (key, entry) in &self.cache {
            if let Some(key) = key.entry_key() {
                visit(key.as_str(), entry.view());
            }
        }
    }

    fn weigh(&self, key: &str, entry: &EntryView<'_>) -> WeightParts {
        weight_parts(key, entry)
    }

    fn quota(&self) -> &Quota {
        &self.accounting.quota
    }

    fn evictions(&self) -> &Evictions {
        &self.accounting.evictions
    }

    fn ghosts(&self) -> &GhostEntries {
        &self.accounting.ghosts
    }

    fn counts(&self) -> Counts {
        *self.accounting.counts.lock()
    }

    fn held_count(&self) -> u64 {
        self.run_pending();
        let placeholder = u64::from(self.cache.contains_key(CacheKey::PLACEHOLDER));
        self.cache.entry_count().saturating_sub(placeholder)
    }
}

impl fmt::Debug for MokaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quota = &self.accounting.quota;
        f.debug_struct("MokaStore").field("quota", quota).finish_non_exhaustive()
    }
}

/// Tells moka when to remove entries; lookups do not rely on it. The placeholder never expires.
///
/// moka's timers follow no clock that is corrected, so they wait the longest that the entry can
/// live.
struct AtEntryExpiry(Clock);

impl AtEntryExpiry {
    fn time_left(&self, key: &CacheKey, entry: &Entry) -> Option<Duration> {
        key.entry_key().map(|_| self.0.longest_until(entry.view().expires_at))
    }
}

impl Expiry<CacheKey, Entry> for AtEntryExpiry {
    fn expire_after_create(&self, key: &CacheKey, entry: &Entry, _: Instant) -> Option<Duration> {
        self.time_left(key, entry)
    }

    /// Without this the new value would inherit what was left of the old one's time.
    fn expire_after_update(
        &self,
        key: &CacheKey,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.time_left(key, entry)
    }
}

#[cfg(test)]
mod tests;
