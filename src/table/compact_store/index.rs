//! The index of a shard: finds records by the hash of their key. Five bytes a slot, no key.
//!
//! A slot is a [`RecordPtr`] and one byte of hash. Keys are compared in the segments, and hashed
//! there again when the index is rebuilt. The quota has reserved what the index takes.

use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, OccupiedEntry};

use super::log::Log;
use super::segment::RecordPtr;
use super::shared::{InsertError, Shared};
use crate::heap;

#[derive(Debug, Default)]
pub(super) struct Index(HashTable<RecordPtr>);

impl Index {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn pointers(&self) -> impl Iterator<Item = RecordPtr> {
        self.0.iter().copied()
    }

    /// What `look` finds at one of the pointers of that hash.
    pub(super) fn find<T>(
        &self,
        hash: u64,
        mut look: impl FnMut(RecordPtr) -> Option<T>,
    ) -> Option<T> {
        let mut found = None;
        self.0.find(hash, |&ptr| {
            found = look(ptr);
            found.is_some()
        })?;
        found
    }

    /// The slot of the pointer at which `look` finds something, and what it finds.
    pub(super) fn find_slot<T>(
        &mut self,
        hash: u64,
        mut look: impl FnMut(RecordPtr) -> Option<T>,
    ) -> Option<(OccupiedEntry<'_, RecordPtr>, T)> {
        let mut found = None;
        let slot = self.0.find_entry(hash, |&ptr| {
            found = look(ptr);
            found.is_some()
        });
        slot.ok().zip(found)
    }

    /// The slot of a pointer, unless the record there is dead.
    pub(super) fn slot_of(
        &mut self,
        hash: u64,
        ptr: RecordPtr,
    ) -> Option<OccupiedEntry<'_, RecordPtr>> {
        self.0.find_entry(hash, |&each| each == ptr).ok()
    }

    /// The slot of the pointer at which `look` finds something, and what it finds; or else an
    /// empty slot, for which [`Self::make_room`] has made room.
    pub(super) fn slot_for<T>(
        &mut self,
        hash: u64,
        mut look: impl FnMut(RecordPtr) -> Option<T>,
    ) -> (Entry<'_, RecordPtr>, Option<T>) {
        let mut found = None;
        let matches = |&ptr: &RecordPtr| {
            found = look(ptr);
            found.is_some()
        };
        // There is room, so that it never has to hash what it holds.
        let slot = self.0.entry(hash, matches, |_| hash);
        (slot, found)
    }

    /// Makes room for one more pointer.
    pub(super) fn make_room(&mut self, log: &Log, shared: &Shared) -> Result<(), InsertError> {
        if self.0.len() < self.0.capacity() {
            return Ok(());
        }
        // Slots of removed pointers stay taken until a rebuild. An index that is full of those
        // need not grow.
        let wanted = self.0.len() + self.0.len() / 16 + 1;
        self.rebuild(wanted, log, shared)
    }

    /// Gives memory back once two thirds of the slots are empty.
    pub(super) fn shrink(&mut self, log: &Log, shared: &Shared) {
        let (len, slots) = (self.0.len(), self.0.num_buckets());
        if len < slots / 3 || (len == 0 && self.bytes() > 0) {
            // It takes less than before, which the quota never refuses.
            let _ = self.rebuild(len + len / 8, log, shared);
        }
    }

    /// Reads the records in the order of their memory, which takes a tenth of the time that the
    /// order of the slots would.
    fn rebuild(&mut self, capacity: usize, log: &Log, shared: &Shared) -> Result<(), InsertError> {
        // Until the old index is dropped there are two, and the quota has only one of them.
        let mut rebuilt = Self(HashTable::with_capacity(capacity));
        if !shared.quota.exchange(self.bytes(), rebuilt.bytes()) {
            return Err(InsertError::StoreFull);
        }
        for (ptr, record) in log.all_records(&shared.layout) {
            let hash = shared.ghosts.hash(record.key).as_u64();
            if self.slot_of(hash, ptr).is_some() {
                rebuilt.0.insert_unique(hash, ptr, |_| hash);
            }
        }
        *self = rebuilt;
        Ok(())
    }

    /// What the index takes, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        heap::rounded_up(self.0.allocation_size()) as u64
    }
}
