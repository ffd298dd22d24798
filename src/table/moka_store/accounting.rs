//! What the store and moka's eviction listener share: the quota, the counts and the ghost entries.
//!
//! Whoever removes an entry from the cache accounts for it here, exactly once: the store for what
//! it takes out itself, the listener for what moka removes.

use std::sync::Arc;

use moka::notification::RemovalCause;
use parking_lot::Mutex;

use super::cache_key::CacheKey;
use super::entry_weight::entry_weight_bytes;
use super::keyed_entry::KeyedEntry;
use super::recorder::ChangeRecorder;
use crate::clock::Clock;
use crate::record::Recency;
use crate::table::changes::ChangeLog;
use crate::table::counts::{Counts, Removal};
use crate::table::evictions::Evictions;
use crate::table::ghosts::GhostEntries;
use crate::table::miss_reason::Ghost;
use crate::table::quota::Quota;

#[derive(Debug)]
pub(super) struct Accounting {
    pub(super) quota: Quota,
    pub(super) counts: Mutex<Counts>,
    pub(super) ghosts: GhostEntries,
    pub(super) evictions: Evictions,
    pub(super) changes: ChangeRecorder,
    pub(super) clock: Clock,
}

impl Accounting {
    pub(super) fn new(
        quota: Quota,
        (ghosts, changes): (GhostEntries, Arc<ChangeLog>),
        clock: Clock,
    ) -> Self {
        let (counts, evictions) = (Mutex::default(), Evictions::default());
        let changes = ChangeRecorder::new(changes);
        Self { quota, counts, ghosts, evictions, changes, clock }
    }

    /// Counts an entry that left, and releases its weight.
    fn count_removed(&self, entry: &KeyedEntry, removal: Removal) {
        self.counts.lock().count_removed(removal);
        self.quota.release(entry_weight_bytes(entry.key().len(), &entry.view()));
    }

    /// Accounts for an entry that the store took out. `by` is the record that deleted it, if one did.
    pub(super) fn account_for(&self, entry: &KeyedEntry, removal: Removal, by: Option<Recency>) {
        self.count_removed(entry, removal);
        self.changes.record_removed(entry, removal, by);
    }

    /// Remembers why a key has no entry any more.
    pub(super) fn insert_ghost(&self, key: CacheKey, ghost: Ghost) {
        self.ghosts.insert(key.key_hash(), ghost);
    }

    /// What moka calls when an entry leaves, while it has the hash locked: no newer entry stands
    /// under it yet, unless that is what replaced this one.
    pub(super) fn listener(self: Arc<Self>) -> impl Fn(Arc<CacheKey>, KeyedEntry, RemovalCause) {
        move |key, entry, cause| match cause {
            _ if key.is_placeholder() => {}
            // The store takes out entries explicitly, and accounts for them itself.
            RemovalCause::Explicit => {}
            // The store replaces only entries that are live.
            RemovalCause::Replaced => self.count_removed(&entry, Removal::Replaced),
            RemovalCause::Expired | RemovalCause::Size => self.count_evicted(*key, &entry, cause),
        }
    }

    fn count_evicted(&self, key: CacheKey, entry: &KeyedEntry, cause: RemovalCause) {
        let now = self.clock.now();
        let (recency, expires_at) = (entry.view().recency(), entry.view().expires_at);
        // An expired entry counts as expired, also where moka evicted it.
        let is_expired = entry.view().is_expired(now) || cause == RemovalCause::Expired;
        let (removal, ghost) = if is_expired {
            (Removal::Expired, Ghost::expired(recency, expires_at))
        } else {
            self.evictions.evict(&self.quota, recency, now)
        };
        self.count_removed(entry, removal);
        self.changes.record_evicted(key, entry, removal);
        self.insert_ghost(key, ghost);
    }
}
