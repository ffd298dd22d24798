//! A shard: the records of the keys that fall to it, an index of them, and their counts.
//!
//! Keeps index and log in step: a record is live exactly if the index points to it. Knows no
//! lock; whoever owns the shard has it locked.

use super::index::Index;
use super::layout::{EncodedRecord, StoredRecord};
use super::log::{Log, Summary};
use super::segment::{NEVER, RecordPtr};
use super::shared::{InsertError, Shared};
use crate::record::{EntryView, Timestamp};
use crate::table::counts::{Counts, Removal};
use crate::table::ghosts::KeyHash;
use crate::table::miss_reason::Ghost;
use crate::table::store::Inserted;

#[derive(Debug, Default)]
pub(super) struct Shard {
    index: Index,
    log: Log,
    counts: Counts,
}

impl Shard {
    /// The record of a key, expired or not.
    pub(super) fn find(
        &self,
        shared: &Shared,
        key_hash: KeyHash,
        key: &str,
    ) -> Option<StoredRecord<'_>> {
        self.index.find(key_hash.as_u64(), |ptr| self.log.read_of_key(&shared.layout, ptr, key))
    }

    /// Where the record of a key probably is: no key is compared.
    pub(super) fn find_likely(&self, key_hash: KeyHash) -> Option<RecordPtr> {
        self.index.find(key_hash.as_u64(), Some)
    }

    /// Loads some of the bytes at a pointer into the processor's cache.
    pub(super) fn touch(&self, ptr: RecordPtr) -> [Option<u8>; 2] {
        self.log.touch(ptr)
    }

    /// How many records the index points to, with expired ones.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Stores a record. On an error nothing has changed.
    pub(super) fn insert(
        &mut self,
        shared: &Shared,
        key_hash: KeyHash,
        record: &mut EncodedRecord<'_>,
        now: Timestamp,
    ) -> Result<Inserted, InsertError> {
        let Self { index, log, counts } = self;
        index.make_room(log, shared)?;
        let look = |ptr| Existing::read(log, shared, ptr, record.key);
        let (slot, older) = index.slot_for(key_hash.as_u64(), look);
        let replaced = older.and_then(|older| older.replaced_count_if_live(now));
        record.set_replaced_count(replaced.map_or(0, |count| count.saturating_add(1)));
        slot.insert(log.append(record, shared)?);
        counts.count_stored(record.key.len() + record.fields.packed_bytes());
        if let Some(older) = older {
            let is_live = replaced.is_some();
            counts.count_removed(if is_live { Removal::Replaced } else { Removal::Expired });
            log.mark_dead(older.segment, older.bytes, shared);
        }
        self.compact(shared);
        Ok(if replaced.is_some() { Inserted::Replaced } else { Inserted::New })
    }

    /// Removes the record of a key, if there is one.
    pub(super) fn remove(&mut self, shared: &Shared, key_hash: KeyHash, key: &str, now: Timestamp) {
        let Self { index, log, counts } = self;
        let look = |ptr| Existing::read(log, shared, ptr, key);
        if let Some((slot, existing)) = index.find_slot(key_hash.as_u64(), look) {
            slot.remove();
            let is_live = existing.replaced_count_if_live(now).is_some();
            counts.count_removed(if is_live { Removal::Deleted } else { Removal::Expired });
            log.mark_dead(existing.segment, existing.bytes, shared);
            self.compact(shared);
            self.shrink_index(shared);
        }
    }

    /// Frees the memory of dead records, where that is too much.
    fn compact(&mut self, shared: &Shared) {
        while let Some(id) = self.log.segment_to_compact(shared) {
            let index = &mut self.index;
            self.log.compact(id, shared, |record, from, to| {
                let hash = shared.ghosts.hash(record.key).as_u64();
                index.slot_of(hash, from).map(|mut slot| *slot.get_mut() = to).is_some()
            });
        }
    }

    /// Evicts the oldest segment with all its records; false if there is none.
    pub(super) fn evict_oldest(&mut self, shared: &Shared, now: Timestamp) -> bool {
        let Some((id, _)) = self.log.summary().oldest else { return false };
        self.remove_if(shared, id, |entry| {
            Some(expired(entry, now).unwrap_or((Removal::Evicted, Ghost::Evicted(now))))
        });
        self.log.free(id, shared);
        self.shrink_index(shared);
        true
    }

    /// Removes expired records.
    pub(super) fn sweep(&mut self, shared: &Shared, now: Timestamp) {
        for id in self.log.expiring(now) {
            self.remove_if(shared, id, |entry| expired(entry, now));
        }
        self.compact(shared);
        self.shrink_index(shared);
    }

    /// Removes those records of a segment that `judge` gives a reason for.
    fn remove_if(
        &mut self,
        shared: &Shared,
        id: usize,
        judge: impl Fn(&EntryView<'_>) -> Option<(Removal, Ghost)>,
    ) {
        let (mut dead_bytes, mut first_expiry) = (0, NEVER);
        for (ptr, record) in self.log.records(&shared.layout, id) {
            let key_hash = shared.ghosts.hash(record.key);
            let Some(slot) = self.index.slot_of(key_hash.as_u64(), ptr) else { continue };
            if let Some((removal, ghost)) = judge(&record.entry) {
                slot.remove();
                self.counts.count_removed(removal);
                shared.ghosts.insert(key_hash, ghost);
                dead_bytes += record.bytes;
            } else {
                first_expiry = first_expiry.min(record.entry.expires_at);
            }
        }
        self.log.update_after_removal(id, dead_bytes, first_expiry, shared);
    }

    fn shrink_index(&mut self, shared: &Shared) {
        self.index.shrink(&self.log, shared);
    }

    /// Shows every record that is there.
    pub(super) fn walk(&self, shared: &Shared, visit: &mut dyn FnMut(&str, EntryView<'_>)) {
        for ptr in self.index.pointers() {
            let Some(record) = self.log.read(&shared.layout, ptr) else { continue };
            if let Ok(key) = str::from_utf8(record.key) {
                visit(key, record.entry);
            }
        }
    }

    /// What the shard takes, in bytes, counted anew.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.log.bytes() as u64 + self.index.bytes()
    }

    /// How old the shard is, and when its first record expires.
    pub(super) fn summary(&mut self) -> Summary {
        self.log.summary()
    }
}

/// What has to be known of a stored record to replace or remove it.
#[derive(Debug, Clone, Copy)]
struct Existing {
    segment: usize,
    bytes: usize,
    replaced_count: u32,
    expires_at: Timestamp,
}

impl Existing {
    /// The record at a pointer, if it is of that key.
    fn read(log: &Log, shared: &Shared, ptr: RecordPtr, key: &str) -> Option<Self> {
        let StoredRecord { entry, bytes, .. } = log.read_of_key(&shared.layout, ptr, key)?;
        Some(Self {
            segment: ptr.segment(),
            bytes,
            replaced_count: entry.replaced_count,
            expires_at: entry.expires_at,
        })
    }

    fn replaced_count_if_live(self, now: Timestamp) -> Option<u32> {
        (self.expires_at > now).then_some(self.replaced_count)
    }
}

fn expired(entry: &EntryView<'_>, now: Timestamp) -> Option<(Removal, Ghost)> {
    entry.is_expired(now).then_some((Removal::Expired, Ghost::Expired(entry.expires_at)))
}
