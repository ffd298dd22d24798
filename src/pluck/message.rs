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
    /// When the record arrived.
    pub now: Timestamp,
    /// What the clocks show at `now` by which the times of the record were written down.
    pub now_elsewhere: Timestamp,
}

impl<'a> Message<'a> {
    /// The value of a header as text. A header is bytes to Kafka and text to a table. Bytes that are
    /// not UTF-8 reject the message, as in a document: to leave the field out would say that the
    /// message had none.
    pub(super) fn header_text(&self, name: &str) -> Result<Option<&'a str>, Reject> {
        let text = (self.header)(name).map(std::str::from_utf8);
        text.transpose().map_err(|_| Reject::InvalidUtf8)
    }
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

/// A message that gives no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected<'s> {
    /// Why.
    pub reason: Reject,
    /// The entry that the record would have replaced, which is out of date now; none if the record
    /// does not tell, or not for certain.
    pub outdated: Option<Deletion<'s>>,
}

/// A reject that says nothing about any entry.
impl From<Reject> for Rejected<'_> {
    fn from(reason: Reject) -> Self {
        Self { reason, outdated: None }
    }
}
