//! A shard: the records of the keys that fall to it, an index of them, and their counts.
//!
//! Keeps index and log in step: a record is live exactly if the index points to it. Knows no
//! lock; whoever owns the shard has it locked.

use super::index::Index;
use super::layout::{EncodedRecord, StoredRecord};
use super::log::{Log, Summary};
use super::segment::{NEVER, RecordPtr};
use super::shared::{InsertError, Shared};
use crate::record::{EntryView, Origin, Recency, Timestamp};
use crate::table::counts::{Counts, Removal};
use crate::table::ghosts::KeyHash;
use crate::table::miss_reason::Ghost;
use crate::table::store::{Inserted, Removed};

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
        let known = older.map(|older| older.recency);
        let Some(recency) = shared.admit(record.recency, known, key_hash) else {
            return Ok(Inserted::Superseded);
        };
        record.set_rank(recency.rank);
        let replaced = older.and_then(|older| older.replaced_count_if_live(now));
        record.set_replaced_count(replaced.map_or(0, |count| count.saturating_add(1)));
        slot.insert(log.append(record, shared)?);
        counts.count_stored(record.key.len() + record.fields.packed_bytes());
        if let Some(older) = older {
            let is_live = replaced.is_some();
            let removal = if is_live { Removal::Replaced } else { Removal::Expired };
            counts.count_removed(removal);
            let of_older = (older.origin, older.expires_at);
            shared.changes.record_removed(record.key.as_bytes(), of_older, removal, None);
            log.mark_dead(older.segment, older.bytes, shared);
        }
        self.compact(shared);
        Ok(if replaced.is_some() { Inserted::Replaced } else { Inserted::New })
    }

    /// Removes the record of a key, if there is one, and leaves a ghost entry.
    pub(super) fn remove(
        &mut self,
        shared: &Shared,
        key_hash: KeyHash,
        key: &str,
        ghost: Ghost,
        now: Timestamp,
    ) -> Removed {
        let Self { index, log, counts } = self;
        let look = |ptr| Existing::read(log, shared, ptr, key);
        let found = index.find_slot(key_hash.as_u64(), look);
        let known = found.as_ref().map(|(_, existing)| existing.recency);
        let Some(recency) = shared.admit(ghost.recency, known, key_hash) else {
            return Removed::Superseded;
        };
        shared.ghosts.insert(key_hash, Ghost { recency, ..ghost });
        let Some((slot, existing)) = found else { return Removed::Nothing };
        slot.remove();
        let is_live = existing.replaced_count_if_live(now).is_some();
        let removal = if is_live { Removal::Deleted } else { Removal::Expired };
        counts.count_removed(removal);
        let of_entry = (existing.origin, existing.expires_at);
        shared.changes.record_removed(key.as_bytes(), of_entry, removal, Some(recency));
        log.mark_dead(existing.segment, existing.bytes, shared);
        self.compact(shared);
        self.shrink_index(shared);
        if is_live { Removed::Entry } else { Removed::Nothing }
    }

    /// Removes every record of a partition. No ghost entry stays of them.
    pub(super) fn remove_partition(&mut self, shared: &Shared, partition: i32, now: Timestamp) {
        for id in self.log.segment_ids() {
            self.remove_if(shared, id, |entry| {
                let is_own = entry.origin.partition == partition;
                let cause = if entry.is_expired(now) { Removal::Expired } else { Removal::Deleted };
                is_own.then_some((cause, None))
            });
        }
        self.compact(shared);
        self.shrink_index(shared);
    }

    /// Frees the memory of dead records, where that is too much.
    fn compact(&mut self, shared: &Shared) {
        while let Some(id) = self.log.segment_to_compact(shared) {
            self.compact_segment(id, shared);
        }
    }

    /// Frees the memory of dead records of one segment more than writing needs; false if that is not
    /// worth it.
    pub(super) fn compact_when_idle(&mut self, shared: &Shared) -> bool {
        let Some(id) = self.log.segment_to_compact_when_idle() else { return false };
        self.compact_segment(id, shared);
        true
    }

    fn compact_segment(&mut self, id: usize, shared: &Shared) {
        let index = &mut self.index;
        self.log.compact(id, shared, |record, from, to| {
            let hash = shared.ghosts.hash(record.key).as_u64();
            index.slot_of(hash, from).map(|mut slot| *slot.get_mut() = to).is_some()
        });
    }

    /// Evicts the oldest segment with all its records; false if there is none.
    pub(super) fn evict_oldest(&mut self, shared: &Shared, now: Timestamp) -> bool {
        let Some((id, _)) = self.log.summary().oldest else { return false };
        self.remove_if(shared, id, |entry| {
            Some(expired(entry, now).unwrap_or_else(|| {
                let (removal, ghost) = shared.evictions.evict(&shared.quota, entry.recency(), now);
                (removal, Some(ghost))
            }))
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

    /// Removes those records of a segment that `judge` gives a reason for, each with the ghost
    /// entry that stays of it, if one does.
    fn remove_if(
        &mut self,
        shared: &Shared,
        id: usize,
        judge: impl Fn(&EntryView<'_>) -> Option<(Removal, Option<Ghost>)>,
    ) {
        let (mut dead_bytes, mut first_expiry) = (0, NEVER);
        for (ptr, record) in self.log.records(&shared.layout, id) {
            let key_hash = shared.ghosts.hash(record.key);
            let Some(slot) = self.index.slot_of(key_hash.as_u64(), ptr) else { continue };
            if let Some((removal, ghost)) = judge(&record.entry) {
                slot.remove();
                self.counts.count_removed(removal);
                let of_entry = (record.entry.origin, record.entry.expires_at);
                shared.changes.record_removed(record.key, of_entry, removal, None);
                match ghost {
                    Some(ghost) => shared.ghosts.insert(key_hash, ghost),
                    None => shared.ghosts.forget(key_hash),
                }
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

    /// Shows the records of all keys that have this hash.
    pub(super) fn read_hash(
        &self,
        shared: &Shared,
        key_hash: KeyHash,
        visit: &mut dyn FnMut(&str, EntryView<'_>),
    ) {
        self.index.find(key_hash.as_u64(), |ptr| {
            let record = self.log.read(&shared.layout, ptr)?;
            if shared.ghosts.hash(record.key) == key_hash
                && let Ok(key) = str::from_utf8(record.key)
            {
                visit(key, record.entry);
            }
            // Another key may have the same hash.
            None::<()>
        });
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
    recency: Recency,
    origin: Origin,
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
            recency: entry.recency(),
            origin: entry.origin,
            expires_at: entry.expires_at,
        })
    }

    fn replaced_count_if_live(self, now: Timestamp) -> Option<u32> {
        (self.expires_at > now).then_some(self.replaced_count)
    }
}

fn expired(entry: &EntryView<'_>, now: Timestamp) -> Option<(Removal, Option<Ghost>)> {
    let ghost = Ghost::expired(entry.recency(), entry.expires_at);
    entry.is_expired(now).then_some((Removal::Expired, Some(ghost)))
}
