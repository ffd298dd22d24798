//! An entry: the values of a record's fields, with its place in the stream and its expiry.
//!
//! An [`EntryView`] borrows an entry from wherever it is; an [`Entry`] owns one in a single
//! allocation.

use std::fmt;

use triomphe::ThinArc;

use super::fields::{Fields, Values};
use super::recency::Recency;
use super::timestamp::Timestamp;

/// A record's place in the stream, and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The partition of the table's topic.
    pub partition: i32,
    /// The record's offset in the partition.
    pub offset: i64,
    /// The record's timestamp, unaltered.
    pub time: Timestamp,
}

/// An entry, borrowed from a store or from the memory that it was plucked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryView<'a> {
    /// The place of its record in the stream.
    pub origin: Origin,
    /// What ranks its record among those of its key: see [`Recency::rank`].
    pub rank: i64,
    /// From this time on no read returns the entry, whether it has been removed or not.
    pub expires_at: Timestamp,
    /// How many entries under its key it and those before it have replaced.
    pub replaced_count: u32,
    /// The values of its fields.
    pub fields: Fields<'a>,
}

impl<'a> EntryView<'a> {
    /// Whether it is past its expiry at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// What decides whether another record of its key is newer.
    pub fn recency(&self) -> Recency {
        let Origin { partition, offset, .. } = self.origin;
        Recency { rank: self.rank, partition, offset }
    }

    /// Its values, in the order of the table's fields; `None` for a field that the message lacked.
    pub fn values(&self) -> Values<'a> {
        self.fields.values()
    }

    /// Copies it into one allocation of exactly its size.
    pub fn copy(&self) -> Entry {
        Entry(ThinArc::from_header_and_slice(EntryHeader::of(self), self.fields.packed()))
    }
}

/// What an owned entry has beside its fields. [`Origin`]'s fields are spread out here, so that the
/// count fills a gap and takes no space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    partition: i32,
    replaced_count: u32,
    offset: i64,
    time: Timestamp,
    rank: i64,
    expires_at: Timestamp,
}

impl EntryHeader {
    /// All of an entry but its fields.
    pub(crate) fn of(entry: &EntryView<'_>) -> Self {
        let EntryView { origin, rank, expires_at, replaced_count, .. } = *entry;
        let Origin { partition, offset, time } = origin;
        Self { partition, replaced_count, offset, time, rank, expires_at }
    }

    /// The entry that has these fields.
    pub(crate) fn view(self, fields: Fields<'_>) -> EntryView<'_> {
        let Self { partition, replaced_count, offset, time, rank, expires_at } = self;
        let origin = Origin { partition, offset, time };
        EntryView { origin, rank, expires_at, replaced_count, fields }
    }
}

/// An owned entry: one allocation with a fixed header and the packed fields. Clones share it.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry(ThinArc<EntryHeader, u8>);

impl Entry {
    /// The entry, borrowed.
    pub fn view(&self) -> EntryView<'_> {
        self.0.header.header.view(Fields::of_packed(&self.0.slice))
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FieldsBuffer, Value};

    const ORIGIN: Origin = Origin { partition: 3, offset: 42, time: Timestamp::from_millis(1_000) };

    fn with_view<T>(read: impl FnOnce(EntryView<'_>) -> T) -> T {
        let mut fields = FieldsBuffer::default();
        fields.push(Some(Value::Text("text")));
        let expires_at = Timestamp::from_millis(2_000);
        let fields = fields.fields();
        read(EntryView { origin: ORIGIN, rank: 1_000, expires_at, replaced_count: 0, fields })
    }

    #[test]
    fn a_copy_shows_what_was_copied() {
        with_view(|view| {
            let copy = view.copy();
            assert_eq!(copy.view(), view);
            assert_eq!(copy.clone(), copy);
        });
    }

    #[test]
    fn an_entry_is_absent_from_its_expiry_on() {
        with_view(|view| {
            assert!(!view.is_expired(Timestamp::from_millis(1_999)));
            assert!(view.is_expired(Timestamp::from_millis(2_000)));
        });
    }

    #[test]
    fn a_handle_to_an_entry_is_one_pointer() {
        assert_eq!(size_of::<Entry>(), size_of::<usize>());
    }
}
