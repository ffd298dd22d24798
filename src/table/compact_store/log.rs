//! The memory of a shard: its segments, which of them are appended to, and which rewritten.

use slab::Slab;

use super::layout::{Layout, Packed, Written};
use super::segment::{MAX_BYTES, MAX_SEGMENTS, NEVER, Place, Segment};
use super::{Lacking, Shared};
use crate::heap;
use crate::record::Timestamp;

const MIN_BYTES: usize = 1 << 10;
/// A record larger than such a part of a segment has one to itself, of its own size.
const LARGE_PART: usize = 4;
/// A segment takes such a part of what there is, so that small tables have small ones.
const LOG_PART: usize = 16;

/// Segments are rewritten where more than such a part of their memory is dead: of a store
/// that has room, and of one that is nearly full. What is moved for each record that is
/// replaced doubles from the one to the other.
const DEAD_PART: usize = 8;
const DEAD_PART_OF_FULL: usize = 16;

/// What a segment takes in the list of them, in bytes, and a little more.
const SLOT_BYTES: usize = size_of::<Segment>() + size_of::<usize>();

/// The segments of one shard.
#[derive(Debug, Default)]
pub(super) struct Log {
    segments: Slab<Segment>,
    /// The one that new records are appended to.
    newest: Option<usize>,
    /// The one that takes what is still alive in segments that are rewritten. Records that
    /// were not replaced for long gather in such ones, and those seldom have to be
    /// rewritten again.
    survivors: Option<usize>,
    dead_bytes: usize,
    capacity_bytes: usize,
    /// None where it has to be made anew.
    summary: Option<Summary>,
}

/// What is to be known of a log without a look at each segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Summary {
    /// The segment that was begun first, and when.
    pub(super) oldest: Option<(usize, u64)>,
    /// When the first record expires, or before that.
    pub(super) first_expiry: Timestamp,
}

impl Log {
    /// The record at a place.
    pub(super) fn read<'a>(&'a self, layout: &Layout, place: Place) -> Option<Written<'a>> {
        let bytes = &self.segments.get(place.segment())?.bytes;
        layout.read(bytes.get(place.offset()..)?)
    }

    /// A byte of each of the first cache lines at a place.
    pub(super) fn touch(&self, place: Place) -> [Option<u8>; 2] {
        const CACHE_LINE: usize = 64;
        let bytes = self.segments.get(place.segment()).map(|segment| &segment.bytes);
        let at = |offset| bytes.and_then(|bytes| bytes.get(offset).copied());
        [at(place.offset()), at(place.offset() + CACHE_LINE)]
    }

    /// Appends a record, where there is room or room can be had.
    pub(super) fn append(
        &mut self,
        packed: &Packed<'_>,
        shared: &Shared,
    ) -> Result<Place, Lacking> {
        let (bytes, expires_at) = (packed.bytes(), packed.expires_at);
        let has_room = |&id: &usize| self.segments[id].has_room(bytes);
        let id = match self.newest.filter(has_room) {
            Some(newest) => newest,
            None => self.begin(bytes, shared)?,
        };
        let segment = &mut self.segments[id];
        let place = Place::new(id, segment.bytes.len());
        packed.push_to(&mut segment.bytes);
        segment.first_expiry = segment.first_expiry.min(expires_at);
        if let Some(summary) = &mut self.summary {
            summary.first_expiry = summary.first_expiry.min(expires_at);
        }
        Ok(place)
    }

    /// A segment with room for a record.
    fn begin(&mut self, record_bytes: usize, shared: &Shared) -> Result<usize, Lacking> {
        let of_many = (self.capacity_bytes / LOG_PART).clamp(MIN_BYTES, MAX_BYTES);
        let is_large = record_bytes > of_many / LARGE_PART;
        let bytes = heap::rounded_up(if is_large { record_bytes } else { of_many });
        self.make_slot(shared)?;
        if !shared.ledger.reserve(bytes as u64) {
            return Err(Lacking::Room);
        }
        self.capacity_bytes += bytes;
        self.summary = None;
        let id = self.segments.insert(Segment {
            bytes: Vec::with_capacity(bytes),
            dead_bytes: 0,
            born: shared.next_birth(),
            first_expiry: NEVER,
        });
        if !is_large {
            self.newest = Some(id);
        } else if let Some(newest) = self.newest {
            // Records are still appended to it: it is as young as those beside it.
            self.segments[newest].born = self.segments[id].born;
        }
        Ok(id)
    }

    fn make_slot(&mut self, shared: &Shared) -> Result<(), Lacking> {
        if self.segments.len() >= MAX_SEGMENTS {
            return Err(Lacking::RoomInShard);
        }
        if self.segments.len() == self.segments.capacity() {
            let more = (self.segments.len() / 4).max(4);
            let before = self.segments.capacity();
            if !shared.ledger.reserve((more * SLOT_BYTES) as u64) {
                return Err(Lacking::Room);
            }
            self.segments.reserve_exact(more);
            debug_assert_eq!(self.segments.capacity(), before + more);
        }
        Ok(())
    }

    /// Notes that nothing leads any more to records of so many bytes of a segment. Frees it
    /// if those were the last.
    pub(super) fn bury(&mut self, id: usize, bytes: usize, shared: &Shared) {
        let Some(segment) = self.segments.get_mut(id) else { return };
        segment.dead_bytes += bytes;
        self.dead_bytes += bytes;
        if segment.dead_bytes == segment.bytes.len() {
            self.free(id, shared);
        }
    }

    /// Gives a segment back, whatever is in it.
    pub(super) fn free(&mut self, id: usize, shared: &Shared) {
        let Some(segment) = self.segments.try_remove(id) else { return };
        self.summary = None;
        self.dead_bytes -= segment.dead_bytes;
        self.capacity_bytes -= segment.bytes.capacity();
        shared.ledger.release(segment.bytes.capacity() as u64);
        self.newest = self.newest.filter(|&newest| newest != id);
        self.survivors = self.survivors.filter(|&survivors| survivors != id);
        if self.segments.is_empty() {
            // So that the last segment to leave gives back all there is.
            shared.ledger.release((self.segments.capacity() * SLOT_BYTES) as u64);
            self.segments = Slab::new();
        }
    }

    /// The summary; it stays as long as segments are only appended to.
    pub(super) fn summary(&mut self) -> Summary {
        let segments = || self.segments.iter();
        *self.summary.get_or_insert_with(|| Summary {
            oldest: segments()
                .map(|(id, segment)| (id, segment.born))
                .min_by_key(|&(_, born)| born),
            first_expiry: segments()
                .map(|(_, segment)| segment.first_expiry)
                .min()
                .unwrap_or(NEVER),
        })
    }

    /// What it takes, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let slots = self.segments.capacity() * SLOT_BYTES;
        slots + self.segments.iter().map(|(_, segment)| segment.bytes.capacity()).sum::<usize>()
    }

    /// The segments with records that are expired at `now`.
    pub(super) fn expiring(&self, now: Timestamp) -> Vec<usize> {
        let due = self.segments.iter().filter(|(_, segment)| segment.first_expiry <= now);
        due.map(|(id, _)| id).collect()
    }

    /// The places of all records, dead ones too.
    pub(super) fn all_places<'a>(
        &'a self,
        layout: &'a Layout,
    ) -> impl Iterator<Item = (Place, Written<'a>)> {
        self.segments.iter().flat_map(|(id, _)| self.places(layout, id))
    }

    /// The places of all records of a segment, dead ones too.
    pub(super) fn places<'a>(
        &'a self,
        layout: &'a Layout,
        id: usize,
    ) -> impl Iterator<Item = (Place, Written<'a>)> {
        let bytes = self.segments.get(id).map_or(&[][..], |segment| &segment.bytes);
        let mut offset = 0;
        std::iter::from_fn(move || {
            let written = layout.read(bytes.get(offset..)?)?;
            let place = Place::new(id, offset);
            offset += written.bytes;
            Some((place, written))
        })
    }

    /// Notes that so many bytes more of a segment are dead, and when the first of the others
    /// expires.
    pub(super) fn settle(
        &mut self,
        id: usize,
        dead_bytes: usize,
        first_expiry: Timestamp,
        shared: &Shared,
    ) {
        let Some(segment) = self.segments.get_mut(id) else { return };
        segment.first_expiry = first_expiry;
        self.summary = None;
        self.bury(id, dead_bytes, shared);
    }

    /// The segment to rewrite, where too much is dead: the one where most is, of those that
    /// nothing is appended to.
    pub(super) fn wasteful(&self, shared: &Shared) -> Option<usize> {
        let is_full = shared.ledger.is_nearly_full();
        let dead_part = if is_full { DEAD_PART_OF_FULL } else { DEAD_PART };
        if self.dead_bytes * dead_part <= self.capacity_bytes {
            return None;
        }
        let is_open = |id| Some(id) == self.newest || Some(id) == self.survivors;
        let closed = self.segments.iter().filter(|&(id, _)| !is_open(id));
        let (id, most) = closed.max_by_key(|(_, segment)| segment.dead_bytes)?;
        (most.dead_bytes * dead_part > most.bytes.len()).then_some(id)
    }

    /// Moves what is alive in a segment together: into the segment of survivors while there
    /// is room, and else to the front of its own, which is that of survivors from then on.
    /// No memory is needed for it. `moves` is told of each record where it lies and where
    /// it is to lie, and says whether it is alive and goes there.
    pub(super) fn rewrite(
        &mut self,
        id: usize,
        shared: &Shared,
        mut moves: impl FnMut(&Written<'_>, Place, Place) -> bool,
    ) {
        let Some(mut segment) = self.segments.get_mut(id).map(Segment::take) else { return };
        self.summary = None;
        self.dead_bytes -= segment.dead_bytes;
        (segment.dead_bytes, segment.first_expiry) = (0, NEVER);
        let (mut from, mut to) = (0, 0);
        while let Some(written) = shared.layout.read(&segment.bytes[from..]) {
            let record = from..from + written.bytes;
            let expires_at = written.entry.expires_at;
            let survivors =
                self.survivors.map(|survivors| (survivors, &mut self.segments[survivors]));
            let survivors = survivors.filter(|(_, survivors)| survivors.has_room(record.len()));
            let target = match &survivors {
                Some((id, survivors)) => Place::new(*id, survivors.bytes.len()),
                None => Place::new(id, to),
            };
            from = record.end;
            if !moves(&written, Place::new(id, record.start), target) {
                continue;
            }
            if let Some((_, survivors)) = survivors {
                survivors.join(&segment.bytes[record], segment.born, expires_at);
            } else {
                segment.first_expiry = segment.first_expiry.min(expires_at);
                let bytes = record.len();
                segment.bytes.copy_within(record, to);
                to += bytes;
            }
        }
        segment.bytes.truncate(to);
        self.segments[id] = segment;
        if to == 0 {
            self.free(id, shared);
        } else {
            self.survivors = Some(id);
        }
    }
}
