//! One record for a table: borrowed as a draft, owned as a record.

use super::entry::{Entry, EntryView, Origin};
use super::fields::{Fields, FieldsBuffer};
use super::key::{Key, KeyRef};
use super::timestamp::Timestamp;

/// A key and an entry, borrowed from the memory that they were plucked into.
///
/// It cannot outlive that memory. Whoever keeps it copies it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draft<'a> {
    key: KeyRef<'a>,
    entry: EntryView<'a>,
    is_oversized: bool,
}

impl<'a> Draft<'a> {
    /// A draft of an entry with these fields. The record's time ranks it.
    pub fn new(
        key: KeyRef<'a>,
        origin: Origin,
        expires_at: Timestamp,
        fields: &'a FieldsBuffer,
    ) -> Self {
        Self { key, entry: entry(origin, expires_at, fields.fields()), is_oversized: false }
    }

    /// A draft of an entry that is too large for any table. Its fields are left out; a table
    /// that is given it deletes the entry that it would have replaced.
    pub fn oversized(key: KeyRef<'a>, origin: Origin, expires_at: Timestamp) -> Self {
        Self { key, entry: entry(origin, expires_at, Fields::NONE), is_oversized: true }
    }

    /// The same draft, of a record with this rank: see [`Recency::rank`](super::Recency::rank).
    #[must_use]
    pub fn ranked(mut self, rank: i64) -> Self {
        self.entry.rank = rank;
        self
    }

    /// The key of the entry; never empty.
    pub fn key(&self) -> &'a str {
        self.key.as_str()
    }

    /// The entry itself.
    pub fn entry(&self) -> EntryView<'a> {
        self.entry
    }

    /// Whether the entry is too large for any table.
    pub fn is_oversized(&self) -> bool {
        self.is_oversized
    }

    /// Copies it: two allocations of exactly the size needed.
    pub fn copy(&self) -> Record {
        Record { key: self.key.copy(), entry: self.entry.copy() }
    }
}

fn entry(origin: Origin, expires_at: Timestamp, fields: Fields<'_>) -> EntryView<'_> {
    let rank = origin.time.as_millis();
    EntryView { origin, rank, expires_at, replaced_count: 0, fields }
}

/// An owned [`Draft`].
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The key of the entry.
    pub key: Key,
    /// The entry itself.
    pub entry: Entry,
}

impl Record {
    /// The record, borrowed.
    pub fn draft(&self) -> Draft<'_> {
        Draft { key: self.key.as_key_ref(), entry: self.entry.view(), is_oversized: false }
    }
}
