//! One part of a store: the records of the keys that fall to it, and an index of them.

use super::index::Index;
use super::layout::Written;
use super::log::{Log, Summary};
use super::segment::{NEVER, Place};
use super::{Lacking, Shared};
use crate::record::{Draft, EntryView, Timestamp};
use crate::table::Inserted;
use crate::table::gone::{Gone, Mark};
use crate::table::ledger::Removal;

#[derive(Debug, Default)]
pub(super) struct Shard {
    index: Index,
    log: Log,
}

impl Shard {
    /// The record of a key, expired or not.
    pub(super) fn find(&self, shared: &Shared, mark: Mark, key: &str) -> Option<Written<'_>> {
        let place = self.place_of(shared, mark, key)?;
        self.log.read(&shared.layout, place)
    }

    fn place_of(&self, shared: &Shared, mark: Mark, key: &str) -> Option<Place> {
        let written = |place| self.log.read(&shared.layout, place);
        let is_it = |&place: &Place| written(place).is_some_and(|written| written.key == key);
        self.index.find(mark.hash(), is_it)
    }

    /// How many records it has, expired ones too.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Stores a record. Where there is no room for it, nothing has changed.
    pub(super) fn insert(
        &mut self,
        shared: &Shared,
        mark: Mark,
        draft: &Draft<'_>,
        now: Timestamp,
    ) -> Result<Inserted, Lacking> {
        let (key, mut entry) = (draft.key(), draft.entry());
        self.index.make_room(shared, hash_of(&self.log, shared))?;
        let older = self.place_of(shared, mark, key);
        let replaced = older.and_then(|older| self.live_at(shared, older, now));
        entry.replaced_count = replaced.map_or(0, |count| count.saturating_add(1));
        let packed = shared.layout.pack(key, &entry);
        let place = self.log.append(&packed, entry.expires_at, shared)?;
        shared.ledger.stored((key.len() + entry.fields.packed_bytes()) as u64);
        if let Some(older) = older {
            let removal = if replaced.is_some() { Removal::Replaced } else { Removal::Expired };
            self.take_out(shared, mark, older, removal);
        }
        self.index.add(mark.hash(), place, hash_of(&self.log, shared));
        self.reclaim(shared);
        Ok(if replaced.is_some() { Inserted::Replaced } else { Inserted::New })
    }

    /// How many entries the one at a place has replaced, unless it is expired.
    fn live_at(&self, shared: &Shared, place: Place, now: Timestamp) -> Option<u32> {
        let entry = self.log.read(&shared.layout, place)?.entry;
        (!entry.is_expired(now)).then_some(entry.replaced_count)
    }

    /// Removes the record of a key, if there is one.
    pub(super) fn remove(&mut self, shared: &Shared, mark: Mark, key: &str, now: Timestamp) {
        if let Some(place) = self.place_of(shared, mark, key) {
            let is_live = self.live_at(shared, place, now).is_some();
            let removal = if is_live { Removal::Deleted } else { Removal::Expired };
            self.take_out(shared, mark, place, removal);
            self.reclaim(shared);
            self.shrink(shared);
        }
    }

    fn take_out(&mut self, shared: &Shared, mark: Mark, place: Place, removal: Removal) {
        let bytes = self.log.read(&shared.layout, place).map_or(0, |written| written.bytes);
        if let Some(slot) = self.index.slot(mark.hash(), place) {
            slot.remove();
            shared.ledger.removed(removal);
            self.log.bury(place, bytes, shared);
        }
    }

    /// Takes the room back that dead records have, where that is too much.
    fn reclaim(&mut self, shared: &Shared) {
        while let Some(id) = self.log.wasteful() {
            let index = &mut self.index;
            self.log.rewrite(id, shared, |written, from, to| {
                let hash = shared.gone.mark(written.key).hash();
                index.slot(hash, from).map(|mut slot| *slot.get_mut() = to).is_some()
            });
        }
    }

    /// Lets the oldest records go, a segment of them; false if there are none.
    pub(super) fn evict(&mut self, shared: &Shared, now: Timestamp) -> bool {
        let Some((id, _)) = self.log.summary().oldest else { return false };
        self.let_go(shared, id, |entry| {
            Some(expired(entry, now).unwrap_or((Removal::Evicted, Gone::Evicted(now))))
        });
        self.log.free(id, shared);
        self.shrink(shared);
        true
    }

    /// Lets go of records that are expired.
    pub(super) fn sweep(&mut self, shared: &Shared, now: Timestamp) {
        for id in self.log.expiring(now) {
            self.let_go(shared, id, |entry| expired(entry, now));
        }
        self.reclaim(shared);
        self.shrink(shared);
    }

    /// Takes those records out of a segment that `judge` gives a reason for.
    fn let_go(
        &mut self,
        shared: &Shared,
        id: usize,
        judge: impl Fn(&EntryView<'_>) -> Option<(Removal, Gone)>,
    ) {
        let (mut dead_bytes, mut first_expiry) = (0, NEVER);
        for (place, written) in self.log.places(&shared.layout, id) {
            let mark = shared.gone.mark(written.key);
            let Some(slot) = self.index.slot(mark.hash(), place) else { continue };
            if let Some((removal, gone)) = judge(&written.entry) {
                slot.remove();
                shared.ledger.removed(removal);
                shared.gone.note(mark, gone);
                dead_bytes += written.bytes;
            } else {
                first_expiry = first_expiry.min(written.entry.expires_at);
            }
        }
        self.log.settle(id, dead_bytes, first_expiry, shared);
    }

    fn shrink(&mut self, shared: &Shared) {
        self.index.shrink(shared, hash_of(&self.log, shared));
    }

    /// Shows every record that is there.
    pub(super) fn walk(&self, shared: &Shared, see: &mut dyn FnMut(&str, EntryView<'_>)) {
        for place in self.index.places() {
            if let Some(Written { key, entry, .. }) = self.log.read(&shared.layout, place) {
                see(key, entry);
            }
        }
    }

    /// What it takes, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.log.bytes() as u64 + self.index.bytes()
    }

    /// How old it is, and when it is to be swept.
    pub(super) fn summary(&mut self) -> Summary {
        self.log.summary()
    }
}

/// Hashes the key of the record at a place.
fn hash_of(log: &Log, shared: &Shared) -> impl Fn(Place) -> u64 {
    move |place| {
        let written = log.read(&shared.layout, place);
        written.map_or(0, |written| shared.gone.mark(written.key).hash())
    }
}

fn expired(entry: &EntryView<'_>, now: Timestamp) -> Option<(Removal, Gone)> {
    entry.is_expired(now).then_some((Removal::Expired, Gone::Expired(entry.expires_at)))
}
