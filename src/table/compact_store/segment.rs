//! A segment: one allocation that records are appended to, and pointers to the records in it.

use crate::record::Timestamp;

/// The most that a segment of several records takes, in bytes.
pub(super) const MAX_BYTES: usize = 1 << OFFSET_BITS;

const OFFSET_BITS: u32 = 15;
/// As many as a pointer can tell apart.
pub(super) const MAX_SEGMENTS: usize = 1 << (u32::BITS - OFFSET_BITS);

/// Where a record begins: the number of its segment in the shard, and the offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordPtr(u32);

impl RecordPtr {
    pub(super) fn new(segment: usize, offset: usize) -> Self {
        // Both fit: there are no more segments, and no record begins at a larger offset.
        Self(u32::try_from(segment << OFFSET_BITS | offset).unwrap_or(u32::MAX))
    }

    pub(super) fn segment(self) -> usize {
        (self.0 >> OFFSET_BITS) as usize
    }

    pub(super) fn offset(self) -> usize {
        self.0 as usize % MAX_BYTES
    }
}

/// The first expiry of a segment without records.
pub(super) const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

#[derive(Debug)]
pub(super) struct Segment {
    /// Never grows past the capacity that it was made with.
    pub(super) bytes: Vec<u8>,
    /// Bytes of records that the index does not point to any more.
    pub(super) dead_bytes: usize,
    /// Its number among all segments of the store, in the order in which they were started.
    pub(super) sequence: u64,
    /// No record expires before.
    pub(super) first_expiry: Timestamp,
}

impl Segment {
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.bytes.capacity() - self.bytes.len() >= bytes
    }

    /// Appends a record of another segment. The sequence number becomes the average of both,
    /// weighed by bytes, so that no record is evicted much too early or too late.
    pub(super) fn append_survivor(&mut self, record: &[u8], sequence: u64, expires_at: Timestamp) {
        let (own, others) = (self.bytes.len() as u64, record.len() as u64);
        self.sequence = (self.sequence * own + sequence * others) / (own + others).max(1);
        self.bytes.extend_from_slice(record);
        self.first_expiry = self.first_expiry.min(expires_at);
    }

    /// Takes the segment and leaves one without bytes in its place.
    pub(super) fn take(&mut self) -> Self {
        let Self { dead_bytes, sequence, first_expiry, .. } = *self;
        Self { bytes: std::mem::take(&mut self.bytes), dead_bytes, sequence, first_expiry }
    }
}
