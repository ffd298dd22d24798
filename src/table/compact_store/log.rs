//! The memory of a shard: its segments, which of them records are appended to, and compaction.
//!
//! Owns segments and their weight in the quota. It does not know which records are dead: the
//! shard, which has the index, says so.

use slab::Slab;

use super::layout::{EncodedRecord, Layout, StoredRecord};
use super::segment::{MAX_BYTES, MAX_SEGMENTS, NEVER, RecordPtr, Segment};
use super::shared::{InsertError, Shared};
use crate::heap;
use crate::record::Timestamp;

const MIN_BYTES: usize = 1 << 10;
/// A record larger than this part of a segment has a segment of its own size to itself.
const LARGE_PART: usize = 4;
/// A new segment takes this part of the shard's memory, so that small tables have small ones.
const LOG_PART: usize = 16;

/// Segments are compacted where more than this part of a shard's memory is dead: in a store that
/// has room, in one that is nearly full, and in a shard that nobody writes to at the moment. Half as
/// much means that twice as much is moved for each record that is replaced.
const DEAD_PART: usize = 8;
const DEAD_PART_OF_FULL: usize = 16;
const DEAD_PART_OF_IDLE: usize = 32;

/// What a segment takes in the list of segments, in bytes, rounded up.
const LIST_ITEM_BYTES: usize = size_of::<Segment>() + size_of::<usize>();

/// The segments of one shard.
#[derive(Debug, Default)]
pub(super) struct Log {
    segments: Slab<Segment>,
    /// The segment that new records are appended to.
    newest: Option<usize>,
    /// The segment that takes the live records of segments that are compacted. Records that
    /// were not replaced for long gather in such segments, which seldom have to be compacted
    /// again.
    survivors: Option<usize>,
    dead_bytes: usize,
    capacity_bytes: usize,
    /// None where it has to be computed anew.
    summary: Option<Summary>,
}

/// What a store needs to know of a log without a look at each segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Summary {
    /// The oldest segment and its sequence number.
    pub(super) oldest: Option<(usize, u64)>,
    /// No record expires before.
    pub(super) first_expiry: Timestamp,
}

impl Log {
    /// The record at a pointer.
    pub(super) fn read<'a>(&'a self, layout: &Layout, ptr: RecordPtr) -> Option<StoredRecord<'a>> {
        let bytes = &self.segments.get(ptr.segment())?.bytes;
        layout.read(bytes.get(ptr.offset()..)?)
    }

    /// The record at a pointer, if it is of that key.
    pub(super) fn read_of_key<'a>(
        &'a self,
        layout: &Layout,
        ptr: RecordPtr,
        key: &str,
    ) -> Option<StoredRecord<'a>> {
        self.read(layout, ptr).filter(|record| record.key == key.as_bytes())
    }

    /// Loads the first cache lines at a pointer: a byte of each.
    pub(super) fn touch(&self, ptr: RecordPtr) -> [Option<u8>; 2] {
        const CACHE_LINE: usize = 64;
        let bytes = self.segments.get(ptr.segment()).map(|segment| &segment.bytes);
        let at = |offset| bytes.and_then(|bytes| bytes.get(offset).copied());
        [at(ptr.offset()), at(ptr.offset() + CACHE_LINE)]
    }

    /// Appends a record, to a new segment where the newest has no room. On an error nothing
    /// has changed.
    pub(super) fn append(
        &mut self,
        record: &EncodedRecord<'_>,
        shared: &Shared,
    ) -> Result<RecordPtr, InsertError> {
        let (bytes, expires_at) = (record.bytes(), record.expires_at);
        let has_room = |&id: &usize| self.segments[id].has_room(bytes);
        let id = match self.newest.filter(has_room) {
            Some(newest) => newest,
            None => self.start_segment(bytes, shared)?,
        };
        let segment = &mut self.segments[id];
        let ptr = RecordPtr::new(id, segment.bytes.len());
        record.push_to(&mut segment.bytes);
        segment.first_expiry = segment.first_expiry.min(expires_at);
        if let Some(summary) = &mut self.summary {
            summary.first_expiry = summary.first_expiry.min(expires_at);
        }
        Ok(ptr)
    }

    /// A new segment with room for a record.
    fn start_segment(
        &mut self,
        record_bytes: usize,
        shared: &Shared,
    ) -> Result<usize, InsertError> {
        let usual_bytes = (self.capacity_bytes / LOG_PART).clamp(MIN_BYTES, MAX_BYTES);
        let is_large = record_bytes > usual_bytes / LARGE_PART;
        let bytes = heap::rounded_up(if is_large { record_bytes } else { usual_bytes });
        self.make_list_room(shared)?;
        if !shared.quota.reserve(bytes as u64) {
            return Err(InsertError::StoreFull);
        }
        self.capacity_bytes += bytes;
        self.summary = None;
        let id = self.segments.insert(Segment {
            bytes: Vec::with_capacity(bytes),
            dead_bytes: 0,
            sequence: shared.next_sequence(),
            first_expiry: NEVER,
        });
        if !is_large {
            self.newest = Some(id);
        } else if let Some(newest) = self.newest {
            // Records are still appended to it: it must not be evicted before this one.
            self.segments[newest].sequence = self.segments[id].sequence;
        }
        Ok(id)
    }

    fn make_list_room(&mut self, shared: &Shared) -> Result<(), InsertError> {
        if self.segments.len() >= MAX_SEGMENTS {
            return Err(InsertError::ShardFull);
        }
        if self.segments.len() == self.segments.capacity() {
            let more = (self.segments.len() / 4).max(4);
            let before = self.segments.capacity();
            if !shared.quota.reserve((more * LIST_ITEM_BYTES) as u64) {
                return Err(InsertError::StoreFull);
            }
            self.segments.reserve_exact(more);
            debug_assert_eq!(self.segments.capacity(), before + more);
        }
        Ok(())
    }

    /// Counts records of so many bytes of a segment as dead. Frees the segment if no other
    /// record is in it.
    pub(super) fn mark_dead(&mut self, id: usize, bytes: usize, shared: &Shared) {
        let Some(segment) = self.segments.get_mut(id) else { return };
        segment.dead_bytes += bytes;
        self.dead_bytes += bytes;
        if segment.dead_bytes == segment.bytes.len() {
            self.free(id, shared);
        }
    }

    /// Frees a segment with all that is in it.
    pub(super) fn free(&mut self, id: usize, shared: &Shared) {
        let Some(segment) = self.segments.try_remove(id) else { return };
        self.summary = None;
        self.dead_bytes -= segment.dead_bytes;
        self.capacity_bytes -= segment.bytes.capacity();
        shared.quota.release(segment.bytes.capacity() as u64);
        self.newest = self.newest.filter(|&newest| newest != id);
        self.survivors = self.survivors.filter(|&survivors| survivors != id);
        if self.segments.is_empty() {
            // An empty log takes no memory.
            shared.quota.release((self.segments.capacity() * LIST_ITEM_BYTES) as u64);
            self.segments = Slab::new();
        }
    }

    /// The summary. It is computed again only after segments were started or freed, or lost
    /// records.
    pub(super) fn summary(&mut self) -> Summary {
        let segments = || self.segments.iter();
        *self.summary.get_or_insert_with(|| Summary {
            oldest: segments()
                .map(|(id, segment)| (id, segment.sequence))
                .min_by_key(|&(_, sequence)| sequence),
            first_expiry: segments()
                .map(|(_, segment)| segment.first_expiry)
                .min()
                .unwrap_or(NEVER),
        })
    }

    /// What the log takes, in bytes, counted anew.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let list_bytes = self.segments.capacity() * LIST_ITEM_BYTES;
        let segments = self.segments.iter();
        list_bytes + segments.map(|(_, segment)| segment.bytes.capacity()).sum::<usize>()
    }

    /// The segments that may have records which are expired at `now`.
    pub(super) fn expiring(&self, now: Timestamp) -> Vec<usize> {
        let due = self.segments.iter().filter(|(_, segment)| segment.first_expiry <= now);
        due.map(|(id, _)| id).collect()
    }

    /// All segments.
    pub(super) fn segment_ids(&self) -> Vec<usize> {
        self.segments.iter().map(|(id, _)| id).collect()
    }

    /// All records, with dead ones.
    pub(super) fn all_records<'a>(
        &'a self,
        layout: &'a Layout,
    ) -> impl Iterator<Item = (RecordPtr, StoredRecord<'a>)> {
        self.segments.iter().flat_map(|(id, _)| self.records(layout, id))
    }

    /// All records of a segment, with dead ones.
    pub(super) fn records<'a>(
        &'a self,
        layout: &'a Layout,
        id: usize,
    ) -> impl Iterator<Item = (RecordPtr, StoredRecord<'a>)> {
        let bytes = self.segments.get(id).map_or(&[][..], |segment| &segment.bytes);
        let mut offset = 0;
        std::iter::from_fn(move || {
            let record = layout.read(bytes.get(offset..)?)?;
            let ptr = RecordPtr::new(id, offset);
            offset += record.bytes;
            Some((ptr, record))
        })
    }

    /// Takes note that so many more bytes of a segment are dead, and when the first of its other
    /// records expires.
    pub(super) fn update_after_removal(
        &mut self,
        id: usize,
        dead_bytes: usize,
        first_expiry: Timestamp,
        shared: &Shared,
    ) {
        let Some(segment) = self.segments.get_mut(id) else { return };
        segment.first_expiry = first_expiry;
        self.summary = None;
        self.mark_dead(id, dead_bytes, shared);
    }

    /// The segment to compact while records are written, if too much is dead.
    pub(super) fn segment_to_compact(&self, shared: &Shared) -> Option<usize> {
        let is_full = shared.quota.is_nearly_full();
        self.deadest_segment(if is_full { DEAD_PART_OF_FULL } else { DEAD_PART })
    }

    /// The segment to compact while nothing else is to do.
    pub(super) fn segment_to_compact_when_idle(&self) -> Option<usize> {
        self.deadest_segment(DEAD_PART_OF_IDLE)
    }

    /// The segment with the most dead bytes of those that nothing is appended to, if more than such a
    /// part of the log is dead.
    fn deadest_segment(&self, dead_part: usize) -> Option<usize> {
        if self.dead_bytes * dead_part <= self.capacity_bytes {
            return None;
        }
        let is_open = |id| Some(id) == self.newest || Some(id) == self.survivors;
        let closed = self.segments.iter().filter(|&(id, _)| !is_open(id));
        let (id, most) = closed.max_by_key(|(_, segment)| segment.dead_bytes)?;
        (most.dead_bytes * dead_part > most.bytes.len()).then_some(id)
    }

    /// Moves the live records of a segment together: to the survivors' segment while it has
    /// room, and else to the front of their own, which is the survivors' from then on. It
    /// allocates nothing. `relocate` is given each record, its pointer and its new pointer, and
    /// answers whether the record is live and has moved.
    pub(super) fn compact(
        &mut self,
        id: usize,
        shared: &Shared,
        mut relocate: impl FnMut(&StoredRecord<'_>, RecordPtr, RecordPtr) -> bool,
    ) {
        let Some(mut segment) = self.segments.get_mut(id).map(Segment::take) else { return };
        self.summary = None;
        self.dead_bytes -= segment.dead_bytes;
        (segment.dead_bytes, segment.first_expiry) = (0, NEVER);
        let (mut from, mut to) = (0, 0);
        while let Some(record) = shared.layout.read(&segment.bytes[from..]) {
            let (range, expires_at) = (from..from + record.bytes, record.entry.expires_at);
            let survivors = self.survivors.map(|id| (id, &mut self.segments[id]));
            let survivors = survivors.filter(|(_, segment)| segment.has_room(range.len()));
            let new_ptr = match &survivors {
                Some((id, segment)) => RecordPtr::new(*id, segment.bytes.len()),
                None => RecordPtr::new(id, to),
            };
            from = range.end;
            if !relocate(&record, RecordPtr::new(id, range.start), new_ptr) {
                continue;
            }
            if let Some((_, survivors)) = survivors {
                survivors.append_survivor(&segment.bytes[range], segment.sequence, expires_at);
            } else {
                segment.first_expiry = segment.first_expiry.min(expires_at);
                let bytes = range.len();
                segment.bytes.copy_within(range, to);
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
