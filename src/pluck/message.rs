//! The input and the output of plucking: a message, and what it asks of a table.

use crate::record::{Draft, KeyRef, Origin, Reject, Timestamp};

/// A message, borrowed from the Kafka client's memory.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The record's key; `None` if it is null.
    pub key: Option<&'a [u8]>,
    /// The record's value; `None` if it is null.
    pub payload: Option<&'a [u8]>,
    /// Gives the value of a header by its name; `None` if there is no such header or it is null.
    pub header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    /// The record's place in the stream, and its time.
    pub origin: Origin,
    /// When its entry expires; the latest time at which it may, if its life is counted from a
    /// time in the message.
    pub expires_at: Timestamp,
}

impl<'a> Message<'a> {
    /// The record's key as text.
    pub(super) fn key_text(&self) -> Result<Option<&'a str>, Reject> {
        text(self.key)
    }

    /// The value of a header as text.
    pub(super) fn header_text(&self, name: &str) -> Result<Option<&'a str>, Reject> {
        text((self.header)(name))
    }
}

/// Keys and headers are bytes to Kafka and text to a table. Bytes that are not UTF-8 reject the
/// message, as in a document: to leave the field out would say that the message had none.
fn text(bytes: Option<&[u8]>) -> Result<Option<&str>, Reject> {
    bytes.map(std::str::from_utf8).transpose().map_err(|_| Reject::InvalidUtf8)
}

/// What a message asks of a table. It borrows scratch memory, never the message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plucked<'s> {
    /// To store this record; or, if it is oversized, to delete the entry that it would replace.
    Record(Draft<'s>),
    /// To delete an entry: a tombstone, or a record for which `delete_when` holds.
    Deletion(Deletion<'s>),
    /// Nothing: `only_when` does not hold for the record.
    Filtered,
}

/// Which entry to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion<'s> {
    /// The key of the entry.
    pub key: KeyRef<'s>,
    /// The version of the record that deletes; none if it has none, or if the table has no versions.
    pub version: Option<i64>,
}
