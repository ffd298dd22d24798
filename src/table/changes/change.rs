//! One change: how it is encoded in the ring, and how a reader sees it.
//!
//! ```text
//! +------+-----------+--------+------+------------+----------+-----+--------+
//! | kind | partition | offset | time | expires at | key size | key | fields |
//! +------+-----------+--------+------+------------+----------+-----+--------+
//!                                            partition and offset of the record
//!                                            that deleted it, before the key size
//! ```

use crate::record::{EntryView, Fields, Origin, Recency, Timestamp, varint};
use crate::table::counts::Removal;

/// The most bytes before a key: a kind and seven integers.
const MAX_HEADER_BYTES: usize = 1 + 7 * varint::MAX_BYTES;

/// How much memory is kept for the next changes.
const KEPT_BYTES: usize = 64 << 10;

/// The kinds, by number.
const STORED: u8 = 0;
const REPLACED: u8 = 1;
const DELETED: u8 = 2;
const DELETED_BY: u8 = 3;
const EXPIRED: u8 = 4;
const EVICTED: u8 = 5;
const EVICTED_FOR_PRESSURE: u8 = 6;

/// All of a change but its key and its fields, encoded.
pub(super) struct Header {
    bytes: [u8; MAX_HEADER_BYTES],
    length: usize,
}

/// What is recorded of an entry that has left, beside its key.
pub(super) struct RemovedEntry {
    pub(super) origin: Origin,
    pub(super) expires_at: Timestamp,
    /// Not [`Removal::Replaced`].
    pub(super) removal: Removal,
    pub(super) by: Option<Recency>,
}

/// One change of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The key of the entry.
    pub key: &'a str,
    /// The record that the entry came from.
    pub origin: Origin,
    /// When it expires, or would have expired.
    pub expires_at: Timestamp,
    /// What happened to it.
    pub kind: ChangeKind<'a>,
    /// The position after this change.
    pub position: u64,
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind<'a> {
    /// It was stored.
    Stored {
        /// The values of its fields.
        fields: Fields<'a>,
        /// Whether it took the place of a live entry.
        replaced: bool,
    },
    /// It left the table.
    Removed {
        /// Why. Not [`Removal::Replaced`].
        removal: Removal,
        /// Partition and offset of the record that deleted it.
        by: Option<(i32, i64)>,
    },
}

/// Some changes, copied out of the ring.
#[derive(Debug, Default)]
pub struct Changes {
    bytes: Vec<u8>,
    /// The position before them.
    position: u64,
    /// How many of the bytes were taken.
    taken: usize,
}

impl Header {
    pub(super) fn stored(key_bytes: usize, entry: &EntryView<'_>, replaced: bool) -> Self {
        let kind = if replaced { REPLACED } else { STORED };
        Self::new(kind, entry.origin, entry.expires_at, None, key_bytes)
    }

    pub(super) fn removed(key_bytes: usize, removed: &RemovedEntry) -> Self {
        let RemovedEntry { origin, expires_at, removal, by } = *removed;
        let kind = match removal {
            Removal::Replaced | Removal::Deleted if by.is_some() => DELETED_BY,
            Removal::Replaced | Removal::Deleted => DELETED,
            Removal::Expired => EXPIRED,
            Removal::Evicted => EVICTED,
            Removal::EvictedForPressure => EVICTED_FOR_PRESSURE,
        };
        Self::new(kind, origin, expires_at, by.filter(|_| kind == DELETED_BY), key_bytes)
    }

    fn new(
        kind: u8,
        origin: Origin,
        expires_at: Timestamp,
        by: Option<Recency>,
        key_bytes: usize,
    ) -> Self {
        let Origin { partition, offset, time } = origin;
        let mut header = Self { bytes: [0; MAX_HEADER_BYTES], length: 1 };
        header.bytes[0] = kind;
        for number in [i64::from(partition), offset, time.as_millis(), expires_at.as_millis()] {
            header.put(varint::fold(number));
        }
        if let Some(Recency { partition, offset, .. }) = by {
            header.put(varint::fold(i64::from(partition)));
            header.put(varint::fold(offset));
        }
        header.put(key_bytes as u64);
        header
    }

    fn put(&mut self, integer: u64) {
        let end = self.length + varint::bytes_of(integer);
        varint::write(&mut self.bytes[self.length..end], integer);
        self.length = end;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Changes {
    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether all were taken.
    pub fn is_empty(&self) -> bool {
        self.taken >= self.bytes.len()
    }

    /// Shows the changes that were not taken, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        let mut taken = self.taken;
        std::iter::from_fn(move || {
            let (length, rest) = self.bytes.get(taken..)?.split_first_chunk()?;
            let bytes = rest.get(..u32::from_le_bytes(*length) as usize)?;
            taken += length.len() + bytes.len();
            decode(bytes, self.position + taken as u64)
        })
    }

    /// Takes the changes up to a position.
    pub fn take_until(&mut self, position: u64) {
        self.taken = usize::try_from(position.saturating_sub(self.position)).unwrap_or(usize::MAX);
    }

    /// Takes all that are left, and lets `copy` add those after a position. It returns the position
    /// after what it added; none if there is nothing to add.
    pub(super) fn refill(
        &mut self,
        position: u64,
        copy: impl FnOnce(&mut Vec<u8>) -> Option<u64>,
    ) -> Option<u64> {
        self.bytes.clear();
        // One large change is no reason to keep its memory.
        self.bytes.shrink_to(KEPT_BYTES);
        (self.position, self.taken) = (position, 0);
        copy(&mut self.bytes)
    }
}

/// A change from its bytes; none if they are none, which a made-up position may lead to.
fn decode(bytes: &[u8], position: u64) -> Option<Change<'_>> {
    let (&kind, mut rest) = bytes.split_first()?;
    let mut integer = || varint::take(&mut rest).map(varint::unfold);
    let partition = i32::try_from(integer()?).ok()?;
    let (offset, time, expires_at) = (integer()?, integer()?, integer()?);
    let by =
        if kind == DELETED_BY { Some((i32::try_from(integer()?).ok()?, integer()?)) } else { None };
    let key_bytes = usize::try_from(varint::take(&mut rest)?).ok()?;
    let (key, fields) = rest.split_at_checked(key_bytes)?;
    let removed = |removal| ChangeKind::Removed { removal, by };
    let kind = match kind {
        STORED | REPLACED => {
            ChangeKind::Stored { fields: Fields::of_packed(fields), replaced: kind == REPLACED }
        }
        DELETED | DELETED_BY => removed(Removal::Deleted),
        EXPIRED => removed(Removal::Expired),
        EVICTED => removed(Removal::Evicted),
        EVICTED_FOR_PRESSURE => removed(Removal::EvictedForPressure),
        _ => return None,
    };
    Some(Change {
        key: str::from_utf8(key).ok()?,
        origin: Origin { partition, offset, time: Timestamp::from_millis(time) },
        expires_at: Timestamp::from_millis(expires_at),
        kind,
        position,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes, 0);
        }
    }
}
