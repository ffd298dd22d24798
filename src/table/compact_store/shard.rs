//! One part of a store: the records of the keys that fall to it, and an index of them.

use super::index::Index;
use super::layout::{Packed, Written};
use super::log::{Log, Summary};
use super::segment::{NEVER, Place};
use super::{Lacking, Shared};
use crate::record::{EntryView, Timestamp};
use crate::table::Inserted;
use crate::table::counts::{Counts, Removal};
use crate::table::ghosts::{Ghost, KeyHash};

#[derive(Debug, Default)]
pub(super) struct Shard {
    index: Index,
    log: Log,
    counts: Counts,
}

impl Shard {
    /// The record of a key, expired or not.
    pub(super) fn find(&self, shared: &Shared, mark: KeyHash, key: &str) -> Option<Written<'_>> {
        let mut found = None;
        let log = &self.log;
        self.index.find(mark.hash(), |&place| {
            found = log.read(&shared.layout, place).filter(|written| written.key == key.as_bytes());
            found.is_some()
        })?;
        found
    }

    /// Where the record of a key is, if it is there and no other has the same few bits of hash.
    pub(super) fn likely_place(&self, mark: KeyHash) -> Option<Place> {
        self.index.find(mark.hash(), |_| true)
    }

    /// Reads some of the bytes at a place, so that they are at hand.
    pub(super) fn touch(&self, place: Place) -> [Option<u8>; 2] {
        self.log.touch(place)
    }

    /// How many records it has, expired ones too.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// What came and what left.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Stores a record. Where there is no room for it, nothing has changed.
    pub(super) fn insert(
        &mut self,
        shared: &Shared,
        mark: KeyHash,
        record: &mut Packed<'_>,
        now: Timestamp,
    ) -> Result<Inserted, Lacking> {
        let Self { index, log, counts } = self;
        index.make_room(log, shared)?;
        let mut older = None;
        let is_it = Standing::of(record.key, log, shared, &mut older);
        let slot = index.entry(mark.hash(), is_it);
        let replaced = older.and_then(|older| older.live_at(now));
        record.replaces(replaced.map_or(0, |count| count.saturating_add(1)));
        slot.insert(log.append(record, shared)?);
        counts.stored(record.key.len() + record.fields.packed_bytes());
        if let Some(older) = older {
            counts.removed(if replaced.is_some() { Removal::Replaced } else { Removal::Expired });
            log.bury(older.segment, older.bytes, shared);
        }
        self.reclaim(shared);
        Ok(if replaced.is_some() { Inserted::Replaced } else { Inserted::New })
    }

    /// Removes the record of a key, if there is one.
    pub(super) fn remove(&mut self, shared: &Shared, mark: KeyHash, key: &str, now: Timestamp) {
        let Self { index, log, counts } = self;
        let mut found = None;
        let slot = index.taken(mark.hash(), Standing::of(key, log, shared, &mut found));
        if let (Some(slot), Some(found)) = (slot, found) {
            slot.remove();
            let is_live = found.live_at(now).is_some();
            counts.removed(if is_live { Removal::Deleted } else { Removal::Expired });
            log.bury(found.segment, found.bytes, shared);
            self.reclaim(shared);
            self.shrink(shared);
        }
    }

    /// Takes the room back that dead records have, where that is too much.
    fn reclaim(&mut self, shared: &Shared) {
        while let Some(id) = self.log.wasteful(shared) {
            let index = &mut self.index;
            self.log.rewrite(id, shared, |written, from, to| {
                let hash = shared.ghosts.mark(written.key).hash();
                index.slot(hash, from).map(|mut slot| *slot.get_mut() = to).is_some()
            });
        }
    }

    /// Lets the oldest records go, a segment of them; false if there are none.
    pub(super) fn evict(&mut self, shared: &Shared, now: Timestamp) -> bool {
        let Some((id, _)) = self.log.summary().oldest else { return false };
        self.let_go(shared, id, |entry| {
            Some(expired(entry, now).unwrap_or((Removal::Evicted, Ghost::Evicted(now))))
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
        judge: impl Fn(&EntryView<'_>) -> Option<(Removal, Ghost)>,
    ) {
        let (mut dead_bytes, mut first_expiry) = (0, NEVER);
        for (place, written) in self.log.places(&shared.layout, id) {
            let mark = shared.ghosts.mark(written.key);
            let Some(slot) = self.index.slot(mark.hash(), place) else { continue };
            if let Some((removal, gone)) = judge(&written.entry) {
                slot.remove();
                self.counts.removed(removal);
                shared.ghosts.note(mark, gone);
                dead_bytes += written.bytes;
            } else {
                first_expiry = first_expiry.min(written.entry.expires_at);
            }
        }
        self.log.settle(id, dead_bytes, first_expiry, shared);
    }

    fn shrink(&mut self, shared: &Shared) {
        self.index.shrink(&self.log, shared);
    }

    /// Shows every record that is there.
    pub(super) fn walk(&self, shared: &Shared, see: &mut dyn FnMut(&str, EntryView<'_>)) {
        for place in self.index.places() {
            let Some(written) = self.log.read(&shared.layout, place) else { continue };
            if let Ok(key) = str::from_utf8(written.key) {
                see(key, written.entry);
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

/// What is to be known of a record that is to leave.
#[derive(Debug, Clone, Copy)]
struct Standing {
    segment: usize,
    bytes: usize,
    replaced_count: u32,
    expires_at: Timestamp,
}

impl Standing {
    /// Tells the place of the record of a key, and then `found` of it.
    fn of<'a>(
        key: &'a str,
        log: &'a Log,
        shared: &'a Shared,
        found: &'a mut Option<Self>,
    ) -> impl FnMut(&Place) -> bool + 'a {
        move |&place| {
            let written =
                log.read(&shared.layout, place).filter(|written| written.key == key.as_bytes());
            *found = written.map(|Written { entry, bytes, .. }| Self {
                segment: place.segment(),
                bytes,
                replaced_count: entry.replaced_count,
                expires_at: entry.expires_at,
            });
            found.is_some()
        }
    }

    /// How many entries it replaced, unless it is expired.
    fn live_at(self, now: Timestamp) -> Option<u32> {
        (self.expires_at > now).then_some(self.replaced_count)
    }
}

fn expired(entry: &EntryView<'_>, now: Timestamp) -> Option<(Removal, Ghost)> {
    entry.is_expired(now).then_some((Removal::Expired, Ghost::Expired(entry.expires_at)))
}
