//! What leaves pluck and enters a table: a key and an entry.
//!
//! A [`Draft`] is lent: it lies in the memory that it was plucked in, and cannot outlive
//! the call that it is given to. What is to be kept of it is copied, and that is the whole
//! defence against a small string holding a big message alive. This module knows
//! neither Kafka nor JSON nor the wire format.

mod entry;
mod fields;
mod reject;
mod timestamp;
pub(crate) mod varint;

pub use entry::{Entry, EntryView, Origin};
pub use fields::{Fields, FieldsBuffer, Value, Values};
pub use reject::Reject;
pub use timestamp::Timestamp;

/// What an entry is looked up by: text, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<str>);

impl Key {
    /// Copies `text` into an allocation of exactly its size; none if it is empty.
    pub fn copy_of(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that a map keyed by [`Key`] can be asked with a `&str`.
impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// One message's worth of table, where it goes and what it says: lent, to be copied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draft<'a> {
    key: &'a str,
    entry: EntryView<'a>,
}

impl<'a> Draft<'a> {
    /// A draft of these parts; none if the key is empty.
    pub fn new(
        key: &'a str,
        origin: Origin,
        expires_at: Timestamp,
        fields: &'a FieldsBuffer,
    ) -> Option<Self> {
        let entry = EntryView { origin, expires_at, replaced_count: 0, fields: fields.fields() };
        (!key.is_empty()).then_some(Self { key, entry })
    }

    /// What the entry is to be stored under; never empty.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The plucked fields and where they came from.
    pub fn entry(&self) -> EntryView<'a> {
        self.entry
    }

    /// Copies the key alone.
    pub fn copy_key(&self) -> Key {
        Key(self.key.into())
    }

    /// Copies it: two allocations of exactly the size needed.
    pub fn copy(&self) -> Record {
        Record { key: self.copy_key(), entry: self.entry.copy() }
    }
}

/// The same in bytes of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What the entry is stored under.
    pub key: Key,
    /// The plucked fields and where they came from.
    pub entry: Entry,
}

impl Record {
    /// The record, lent.
    pub fn draft(&self) -> Draft<'_> {
        Draft { key: self.key.as_str(), entry: self.entry.view() }
    }
}
