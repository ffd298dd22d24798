//! The default store: moka's concurrent cache, held to the table's limit in real bytes.
//!
//! moka updates its own weights some time after a write, so the quota enforces the limit before
//! the write. moka cannot be resized. So a placeholder entry (`placeholder`) weighs the difference
//! between moka's capacity and what entries may take, plus room for one largest entry. Once moka
//! has evicted down to its capacity, the next entry fits.
//!
//! moka evicts the least recently used entry (its other policy refuses new keys when a cache is
//! full). It calls the eviction listener once for each entry that it removes or that is replaced,
//! and the listener accounts for it.
//!
//! moka holds an entry under the hash of its key (`cache_key`), and the key stands in the entry
//! (`keyed_entry`), where each lookup compares it. **If two keys have the same hash**, the entry
//! that is stored last stays. That of the other key leaves as evicted: it is counted, and its ghost
//! entry explains the misses. Nobody is ever given the entry of another key. With a million entries
//! that happens in one of 37 million tables.
//!
//! A newer record overwrites a live entry of its key. moka adjusts its weights later, and never
//! does if the entry is removed before. So a replacement is settled before it is taken out, and
//! moka's timers leave it alone until it is.

mod accounting;
mod cache_key;
mod entry_weight;
mod key_locks;
mod keyed_entry;
mod placeholder;
mod recorder;

use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::changes::ChangeLog;
use super::counts::{Counts, Removal};
use super::evictions::Evictions;
use super::ghosts::{GhostEntries, KeyHash};
use super::miss_reason::{Ghost, MissReason};
use super::quota::Quota;
use super::scan::{self, PartBuilder, ScanPart, ScanPosition};
use super::store::{Inserted, LOOKAHEAD, Removed, Store};
use super::weight::WeightParts;
use crate::clock::Clock;
use crate::heap::Account;
use crate::record::{Draft, EntryView, RankedBy, Recency, Timestamp};
use accounting::Accounting;
use cache_key::{AsItIs, CacheKey};
use entry_weight::{SECOND_KEY_BYTES, entry_weight_bytes, weight_parts};
use key_locks::KeyLocks;
use keyed_entry::KeyedEntry;
use placeholder::{CACHE_UNITS, Placeholder};

/// moka settles writes at least that often: each run of the maintenance thread does it.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

/// How long moka leaves an entry alone at least, so that it is settled when its time is over.
const MIN_MOKA_LIFE: Duration = Duration::from_secs(2);

pub(super) struct MokaStore {
    cache: Cache<CacheKey, KeyedEntry, BuildHasherDefault<AsItIs>>,
    accounting: Arc<Accounting>,
    placeholder: Placeholder,
    writers: KeyLocks,
    ranked_by: RankedBy,
    account: Account,
    /// When moka last settled all writes, in milliseconds.
    settled: AtomicI64,
    /// Hashes a key. Only tests have another than that of the ghost entries.
    hash: fn(&GhostEntries, &str) -> KeyHash,
}

impl MokaStore {
    /// A store of a table of that capacity, with these ghost entries in it, that records its changes.
    /// Lookups, which the table does not charge, are charged to `account`.
    pub(super) fn new(
        capacity_bytes: u64,
        (ghosts, changes): (GhostEntries, Arc<ChangeLog>),
        ranked_by: RankedBy,
        account: Account,
        clock: Clock,
    ) -> Self {
        let placeholder = Placeholder::new(capacity_bytes - ghosts.bytes());
        let quota = Quota::new(capacity_bytes, ghosts.bytes());
        let expiry = AtEntryExpiry(clock.clone());
        let accounting = Arc::new(Accounting::new(quota, (ghosts, changes), clock));
        let cache = Cache::builder()
            .max_capacity(CACHE_UNITS)
            .weigher(placeholder.weigher())
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(expiry)
            .eviction_listener(Arc::clone(&accounting).listener())
            .build_with_hasher(AsItIs::builder());
        let store = Self {
            cache,
            accounting,
            placeholder,
            writers: KeyLocks::default(),
            ranked_by,
            account,
            settled: AtomicI64::new(i64::MIN),
            hash: |ghosts, key| ghosts.hash(key),
        };
        store.insert_placeholder();
        store
    }

    fn key_of(&self, text: &str) -> CacheKey {
        CacheKey::of((self.hash)(&self.accounting.ghosts, text))
    }

    /// The entry of a key, if moka shows it.
    fn get(&self, key: CacheKey, text: &str) -> Option<KeyedEntry> {
        self.cache.get(&key).filter(|entry| entry.is_of(text))
    }

    /// The entry under a hash, of whatever key. One that has expired and that moka hides leaves.
    /// The caller has the hash locked.
    fn held(&self, key: CacheKey, now: Timestamp) -> Option<KeyedEntry> {
        // Most often there is none, and moka records each `get`, but not this.
        let shown = self.cache.contains_key(&key).then(|| self.cache.get(&key)).flatten();
        if shown.is_none() {
            self.take_out_hidden(key, now);
        }
        shown
    }

    /// Takes out the entry under a hash that moka hides, if there is one: its time is over by
    /// moka's timers, which remove it some seconds later. The caller has the hash locked.
    fn take_out_hidden(&self, key: CacheKey, now: Timestamp) {
        let settled = Timestamp::from_millis(self.settled.load(Ordering::Relaxed));
        if settled.until(now) > SETTLE_INTERVAL {
            self.run_pending();
        }
        if let Some(entry) = self.cache.remove(&key) {
            self.accounting.account_for(&entry, Removal::Expired, None);
            self.accounting.insert_ghost(key, expired(&entry));
        }
    }

    /// Takes out the entry that stands under a hash, and accounts for it: none if moka has evicted
    /// it meanwhile. The caller has the hash locked.
    fn take_out(
        &self,
        key: CacheKey,
        held: &KeyedEntry,
        (removal, by): (Removal, Option<Recency>),
        now: Timestamp,
    ) -> Option<KeyedEntry> {
        // moka would never adjust its weights to a replacement that is gone.
        if held.view().replaced_count > 0 {
            self.run_pending();
        }
        let taken = self.cache.remove(&key)?;
        let is_expired = taken.view().is_expired(now);
        let removal = if is_expired { Removal::Expired } else { removal };
        self.accounting.account_for(&taken, removal, by);
        Some(taken)
    }

    /// Takes out what stands under the hash of `text` and is not to be replaced: its own expired
    /// entry, or the entry of another key. The caller has the hash locked.
    fn clear(&self, key: CacheKey, held: &KeyedEntry, text: &str, now: Timestamp) {
        let Some(taken) = self.take_out(key, held, (Removal::Evicted, None), now) else { return };
        if !taken.is_of(text) {
            let evicted = Ghost::evicted(taken.view().recency(), now);
            let is_expired = taken.view().is_expired(now);
            let ghost = if is_expired { expired(&taken) } else { evicted };
            self.accounting.insert_ghost(key, ghost);
        }
    }

    /// The recency of a record once it has taken the place of the newest known record of its key,
    /// that of `own` entry or else of the ghost entry; none if it is superseded. The caller has the
    /// hash locked.
    ///
    /// An entry that moka is just evicting is neither in the cache nor a ghost entry for some
    /// microseconds. An older record of its key that comes then is taken for new.
    fn admit(
        &self,
        key: CacheKey,
        own: Option<EntryView<'_>>,
        recency: Recency,
    ) -> Option<Recency> {
        let known = own.map(|own| own.recency());
        let known = known.or_else(|| self.accounting.ghosts.recency(key.key_hash()));
        recency.replacing(known, self.ranked_by)
    }

    /// Makes sure that moka hides no entry under this hash. Does not wait for a writer: false if
    /// there is one.
    fn reveal(&self, key: CacheKey, now: Timestamp) -> bool {
        let Some(_writer) = self.writers.try_lock(key) else { return false };
        if !self.cache.contains_key(&key) {
            self.take_out_hidden(key, now);
        }
        true
    }

    /// Makes moka do what it put off: it settles writes and evicts.
    fn run_pending(&self) {
        // Reading the placeholder makes it the most recently used entry. moka evicts the least
        // recently used ones, so the placeholder stays.
        if self.cache.get(&CacheKey::PLACEHOLDER).is_none() {
            self.insert_placeholder();
        }
        let now = self.accounting.clock.now();
        self.cache.run_pending_tasks();
        self.settled.store(now.as_millis(), Ordering::Relaxed);
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
        let room_bytes = quota.limit_bytes().saturating_sub(used_bytes);
        self.cache.insert(CacheKey::PLACEHOLDER, self.placeholder.leaving(room_bytes));
    }
}

fn expired(entry: &KeyedEntry) -> Ghost {
    let entry = entry.view();
    Ghost::expired(entry.recency(), entry.expires_at)
}

impl Store for MokaStore {
    fn read(&self, text: &str, visit: &mut dyn FnMut(EntryView<'_>)) {
        let key = self.key_of(text);
        // The visitor has a handle to the entry, so that nobody waits for it.
        if let Some(entry) = self.account.charge(|| self.get(key, text)) {
            visit(entry.view());
        }
    }

    fn prefetch_for_changes(&self, keys: &mut dyn Iterator<Item = &str>) {
        let ghosts = &self.accounting.ghosts;
        ghosts.touch::<LOOKAHEAD>(&ghosts.hashes(keys));
    }

    fn insert(&self, draft: &Draft<'_>, now: Timestamp) -> Inserted {
        let (text, mut entry) = (draft.key(), draft.entry());
        // Whether it replaces another is known under the lock, where nobody can make room.
        let reserved_bytes = entry_weight_bytes(text.len(), &entry) + SECOND_KEY_BYTES;
        if !self.make_room(reserved_bytes) {
            return Inserted::TooLarge;
        }
        let (key, quota) = (self.key_of(text), &self.accounting.quota);
        let _writer = self.writers.lock(key);
        let held = self.held(key, now);
        let own = held.as_ref().filter(|held| held.is_of(text)).map(KeyedEntry::view);
        let Some(recency) = self.admit(key, own, entry.recency()) else {
            quota.release(reserved_bytes);
            return Inserted::Superseded;
        };
        let older = own.filter(|own| !own.is_expired(now));
        if older.is_none() {
            quota.release(SECOND_KEY_BYTES);
            if let Some(held) = &held {
                self.clear(key, held, text, now);
            }
        }
        entry.rank = recency.rank;
        entry.replaced_count = older.map_or(0, |older| older.replaced_count.saturating_add(1));
        let plucked_bytes = text.len() + entry.fields.packed_bytes();
        self.accounting.counts.lock().count_stored(plucked_bytes);
        self.accounting.changes.record_stored((key, text), &entry, older.is_some(), || {
            self.cache.insert(key, KeyedEntry::copy_of(text, &entry));
        });
        if older.is_some() { Inserted::Replaced } else { Inserted::New }
    }

    fn remove(&self, text: &str, ghost: Ghost, now: Timestamp) -> Removed {
        let key = self.key_of(text);
        let _writer = self.writers.lock(key);
        let own = self.held(key, now).filter(|held| held.is_of(text));
        let known = own.as_ref().map(KeyedEntry::view);
        let Some(recency) = self.admit(key, known, ghost.recency) else {
            return Removed::Superseded;
        };
        let taken =
            own.and_then(|own| self.take_out(key, &own, (Removal::Deleted, Some(recency)), now));
        // Last, so that it also replaces the ghost entry of an entry that moka removed meanwhile.
        self.accounting.insert_ghost(key, Ghost { recency, ..ghost });
        let was_live = taken.is_some_and(|taken| !taken.view().is_expired(now));
        if was_live { Removed::Entry } else { Removed::Nothing }
    }

    fn remove_partition(&self, partition: i32, now: Timestamp) {
        let ghosts = &self.accounting.ghosts;
        ghosts.forget_partition(partition);
        let is_own = |entry: &KeyedEntry| entry.view().origin.partition == partition;
        for (key, entry) in &self.cache {
            if key.is_placeholder() || !is_own(&entry) {
                continue;
            }
            let _writer = self.writers.lock(*key);
            if let Some(held) = self.cache.get(&*key).filter(is_own) {
                self.take_out(*key, &held, (Removal::Deleted, None), now);
                ghosts.forget(key.key_hash());
            }
        }
    }

    fn miss_reason(&self, text: &str, now: Timestamp) -> MissReason {
        let key = self.key_of(text);
        if let Some(entry) = self.get(key, text) {
            // A live entry was stored after the lookup.
            let is_expired = entry.view().is_expired(now);
            return if is_expired {
                MissReason::Ghost(expired(&entry))
            } else {
                MissReason::Unknown
            };
        }
        let is_revealed = self.reveal(key, now);
        match self.accounting.ghosts.miss_reason(key.key_hash()) {
            MissReason::NeverSeen if !is_revealed || self.get(key, text).is_some() => {
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

    fn wait_for_writers(&self) {
        self.writers.wait_for_all();
    }

    fn walk(&self, visit: &mut dyn FnMut(&str, EntryView<'_>)) {
        for (key, entry) in &self.cache {
            match std::str::from_utf8(entry.key()) {
                Ok(text) if !key.is_placeholder() => visit(text, entry.view()),
                _ => {}
            }
        }
    }

    /// moka shows its entries in no order, so this walks through all of them, whatever the part.
    fn scan_part(
        &self,
        after: Option<ScanPosition>,
        is_wanted: &dyn Fn(&str, EntryView<'_>) -> bool,
    ) -> ScanPart {
        let mut part = PartBuilder::new(after, scan::MAX_POSITIONS);
        self.walk(&mut |text, entry| {
            if is_wanted(text, entry) {
                part.offer(ScanPosition::of(self.key_of(text).key_hash()));
            }
        });
        part.build(None)
    }

    /// moka takes this for a lookup: the entry counts as used.
    fn read_at(&self, position: ScanPosition, visit: &mut dyn FnMut(&str, EntryView<'_>)) {
        let key = CacheKey::of(position.key_hash());
        let Some(entry) = self.account.charge(|| self.cache.get(&key)) else { return };
        if let Ok(text) = std::str::from_utf8(entry.key()) {
            visit(text, entry.view());
        }
    }

    fn weigh(&self, text: &str, entry: &EntryView<'_>) -> WeightParts {
        weight_parts(text.len(), entry)
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
        let placeholder = u64::from(self.cache.contains_key(&CacheKey::PLACEHOLDER));
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
    fn time_left(&self, key: CacheKey, entry: &KeyedEntry) -> Option<Duration> {
        let left = || self.0.longest_until(entry.view().expires_at).max(MIN_MOKA_LIFE);
        (!key.is_placeholder()).then(left)
    }
}

impl Expiry<CacheKey, KeyedEntry> for AtEntryExpiry {
    fn expire_after_create(
        &self,
        key: &CacheKey,
        entry: &KeyedEntry,
        _: Instant,
    ) -> Option<Duration> {
        self.time_left(*key, entry)
    }

    /// Without this the new value would inherit what was left of the old one's time.
    fn expire_after_update(
        &self,
        key: &CacheKey,
        entry: &KeyedEntry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.time_left(*key, entry)
    }
}

#[cfg(test)]
mod tests;
