//! Finds records by the hash of their key: five bytes a slot, and no key of its own.
//!
//! A slot holds where a record lies; its key is compared, and hashed again when the
//! index grows, where it lies. The index is never larger than what was reserved for it.

use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, OccupiedEntry};

use super::log::Log;
use super::segment::Place;
use super::{Lacking, Shared};
use crate::heap;

#[derive(Debug, Default)]
pub(super) struct Index(HashTable<Place>);

impl Index {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Every place.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.0.iter().copied()
    }

    /// The place of that hash that `is_it`.
    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(&Place) -> bool) -> Option<Place> {
        self.0.find(hash, is_it).copied()
    }

    /// The slot of a place, if the index leads there: the record there is not dead.
    pub(super) fn slot(&mut self, hash: u64, place: Place) -> Option<OccupiedEntry<'_, Place>> {
        self.taken(hash, |&each| each == place)
    }

    /// The slot of the place of that hash that `is_it`.
    pub(super) fn taken(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&Place) -> bool,
    ) -> Option<OccupiedEntry<'_, Place>> {
        self.0.find_entry(hash, is_it).ok()
    }

    /// The same, or else one to take, for which there has to be room.
    pub(super) fn entry(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&Place) -> bool,
    ) -> Entry<'_, Place> {
        // There is room, so that it never hashes what it has.
        self.0.entry(hash, is_it, |_| hash)
    }

    /// Sees to it that there is room for one more.
    pub(super) fn make_room(&mut self, log: &Log, shared: &Shared) -> Result<(), Lacking> {
        if self.0.len() < self.0.capacity() {
            return Ok(());
        }
        // Slots of removed places count as taken until the index is built anew. It need
        // not grow where those are what it is full of.
        let wanted = self.0.len() + self.0.len() / 16 + 1;
        self.rebuild(wanted, log, shared)
    }

    /// Gives back what it has no use for, once that is two thirds.
    pub(super) fn shrink(&mut self, log: &Log, shared: &Shared) {
        let (len, slots) = (self.0.len(), self.0.num_buckets());
        if len < slots / 3 || (len == 0 && self.bytes() > 0) {
            // It takes less, for which there is always room.
            let _ = self.rebuild(len + len / 8, log, shared);
        }
    }

    /// In the order in which records lie in memory: one after the other they are read in a
    /// tenth of the time that it takes in the order of the slots.
    fn rebuild(&mut self, capacity: usize, log: &Log, shared: &Shared) -> Result<(), Lacking> {
        // For the moment of it there are two, and one of them is reserved.
        let mut anew = Self(HashTable::with_capacity(capacity));
        if !shared.ledger.exchange(self.bytes(), anew.bytes()) {
            return Err(Lacking::Room);
        }
        for (place, written) in log.all_places(&shared.layout) {
            let hash = shared.ghosts.mark(written.key).hash();
            if self.slot(hash, place).is_some() {
                anew.0.insert_unique(hash, place, |_| hash);
            }
        }
        *self = anew;
        Ok(())
    }

    /// What it takes, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        heap::rounded_up(self.0.allocation_size()) as u64
    }
}
