//! A segment: one allocation that records are appended to, and the places of records in it.

use crate::record::Timestamp;

/// The most that a segment of several records takes, in bytes.
pub(super) const MAX_BYTES: usize = 1 << OFFSET_BITS;

const OFFSET_BITS: u32 = 15;
/// As many as a place can tell apart.
pub(super) const MAX_SEGMENTS: usize = 1 << (u32::BITS - OFFSET_BITS);

/// Where a record lies: in which segment, and from which byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub(super) fn new(segment: usize, offset: usize) -> Self {
        // Both are in bounds: of segments there are no more, and records begin before that.
        Self(u32::try_from(segment << OFFSET_BITS | offset).unwrap_or(u32::MAX))
    }

    pub(super) fn segment(self) -> usize {
        (self.0 >> OFFSET_BITS) as usize
    }

    pub(super) fn offset(self) -> usize {
        self.0 as usize % MAX_BYTES
    }
}

/// When nothing expires.
pub(super) const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

#[derive(Debug)]
pub(super) struct Segment {
    /// Never grows past the capacity that it was made with.
    pub(super) bytes: Vec<u8>,
    /// Bytes of records that nothing leads to any more.
    pub(super) dead_bytes: usize,
    /// When it was begun, by the store's count of segments.
    pub(super) born: u64,
    /// When the first of its records expires, or before that.
    pub(super) first_expiry: Timestamp,
}

impl Segment {
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.bytes.capacity() - self.bytes.len() >= bytes
    }

    /// Appends a record of another segment. So that none of both is much too old or too
    /// young, they are as old as their bytes are on average.
    pub(super) fn join(&mut self, record: &[u8], born: u64, expires_at: Timestamp) {
        let (own, others) = (self.bytes.len() as u64, record.len() as u64);
        self.born = (self.born * own + born * others) / (own + others).max(1);
        self.bytes.extend_from_slice(record);
        self.first_expiry = self.first_expiry.min(expires_at);
    }

    /// The segment, in whose place an empty one is left.
    pub(super) fn take(&mut self) -> Self {
        let Self { dead_bytes, born, first_expiry, .. } = *self;
        Self { bytes: std::mem::take(&mut self.bytes), dead_bytes, born, first_expiry }
    }
}
