//! What leaves pluck and enters a table: a key and an entry, in bytes of their own.
//!
//! Nothing here can borrow from a message: [`Key`] and [`Entry`] copy what they
//! are given, and that is the whole defence against a small string holding a big
//! message alive. This module knows neither Kafka nor JSON nor the wire format.

mod entry;
mod reject;
mod timestamp;

pub use entry::{Entry, FieldsBuffer, Origin, Value, Values};
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

/// A record that still lies in the memory it was plucked in, to be copied.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    key: &'a str,
    origin: Origin,
    expires_at: Timestamp,
    fields: &'a FieldsBuffer,
}

impl<'a> Draft<'a> {
    /// A draft of these parts; none if the key is empty.
    pub fn new(
        key: &'a str,
        origin: Origin,
        expires_at: Timestamp,
        fields: &'a FieldsBuffer,
    ) -> Option<Self> {
        (!key.is_empty()).then_some(Self { key, origin, expires_at, fields })
    }

    /// Copies the key alone.
    pub fn copy_key(&self) -> Key {
        Key(self.key.into())
    }

    /// Copies it: two allocations of exactly the size needed.
    pub fn copy(&self) -> Record {
        let entry = Entry::copy_of(self.origin, self.expires_at, self.fields);
        Record { key: self.copy_key(), entry }
    }
}

/// One message's worth of table: where it goes and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What the entry is stored under.
    pub key: Key,
    /// The plucked fields and where they came from.
    pub entry: Entry,
}
