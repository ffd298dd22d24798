//! Records changes in the order in which they are made, though moka evicts under no lock of ours.
//!
//! A store is recorded before it is made: moka may evict the entry as soon as it has it, and that is
//! recorded after it. Between the two, moka may still evict the older entry of the key. That changes
//! nothing for those who watch, and is not recorded: the newer entry is recorded already.

use std::sync::Arc;

use parking_lot::Mutex;

use super::cache_key::CacheKey;
use super::keyed_entry::KeyedEntry;
use crate::record::{EntryView, Recency};
use crate::table::changes::ChangeLog;
use crate::table::counts::Removal;

#[derive(Debug)]
pub(super) struct ChangeRecorder {
    log: Arc<ChangeLog>,
    /// The entries that are recorded as stored and may not be in the cache yet: one of each writer.
    in_progress: Mutex<Vec<(CacheKey, Recency)>>,
}

impl ChangeRecorder {
    pub(super) fn new(log: Arc<ChangeLog>) -> Self {
        Self { log, in_progress: Mutex::default() }
    }

    /// Records an entry that `insert` then puts into the cache. The caller has its key locked.
    pub(super) fn record_stored(
        &self,
        (key, text): (CacheKey, &str),
        entry: &EntryView<'_>,
        replaced: bool,
        insert: impl FnOnce(),
    ) {
        if !self.log.is_recording() {
            return insert();
        }
        let mut in_progress = self.in_progress.lock();
        in_progress.push((key, entry.recency()));
        self.log.record_stored(text, entry, replaced);
        drop(in_progress);
        insert();
        self.in_progress.lock().retain(|(other, _)| *other != key);
    }

    /// Records an entry that the store took out. `by` is the record that deleted it, if one did. The
    /// caller has its key locked.
    pub(super) fn record_removed(&self, entry: &KeyedEntry, removal: Removal, by: Option<Recency>) {
        let of_entry = (entry.view().origin, entry.view().expires_at);
        self.log.record_removed(entry.key(), of_entry, removal, by);
    }

    /// Records an entry that moka removed.
    pub(super) fn record_evicted(&self, key: CacheKey, entry: &KeyedEntry, removal: Removal) {
        if !self.log.is_recording() {
            return;
        }
        let in_progress = self.in_progress.lock();
        let recency = entry.view().recency();
        let is_older = |(other, newer): &(CacheKey, Recency)| *other == key && *newer != recency;
        if !in_progress.iter().any(is_older) {
            self.record_removed(entry, removal, None);
        }
    }
}
