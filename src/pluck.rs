//! Plucks a key and a few fields out of a message: the only module that knows the encoding, JSON.
//!
//! Pure and total: any bytes give a [`Draft`], a tombstone or a [`Reject`], and
//! nothing here panics, blocks or asks the time. What leaves is lent or owned; the copy
//! of the payload, the tape and the texts made on the way are [`Scratch`] memory,
//! bounded by [`Limits`]. Knows nothing of Kafka beyond what
//! [`Message`] shows, and nothing of tables.
//!
//! Where RFC 8259 leaves room: of a name given twice the last counts. Integers
//! of 64 bits are exact, and `-0` is the integer 0; wider ones become doubles, and
//! a number too big for a double is [`Reject::InvalidJson`], as is half of a surrogate
//! pair. Nesting has no limit but the memory that a parse may take: no stack
//! grows with it.

mod assembly;
mod bounded;
mod filters;
mod json_text;
mod key;
mod limits;
mod parser;
mod paths;
mod scratch;
mod shape;
mod sources;
mod tape;
mod time;

use std::time::Duration;

use simd_json::Node;

use crate::config::{Condition, Source};
use crate::record::{Draft, Key, Origin, Reject, Timestamp};

use assembly::Assembled;
pub use limits::Limits;
pub use scratch::Scratch;
use shape::Shape;
use sources::{Envelope, Place, Sources};
use time::LivesFrom;

/// A message as it lies in the client's memory.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The record's key, none if null.
    pub key: Option<&'a [u8]>,
    /// The record's value, none if null.
    pub payload: Option<&'a [u8]>,
    /// Gives the header of a name; none if there is no such header or it is null.
    pub header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    /// Where in the stream it stands.
    pub origin: Origin,
    /// When the entry made of it is to be absent again; at the latest, where its life counts
    /// from a time in the message.
    pub expires_at: Timestamp,
}

/// What a message asks of the table.
#[derive(Debug, Clone, PartialEq)]
pub enum Plucked<T> {
    /// To store a record, and what became of it.
    Record(T),
    /// To delete the entry of this key: a tombstone, or a record that says so.
    Tombstone(Key),
    /// To delete the entry of this key as out of date: the values of the one in its place
    /// are more than an entry may have.
    TooLarge(Key),
    /// Nothing: the record does not count for this table.
    Filtered,
}

/// Plucks messages for one table.
pub struct Plucker {
    sources: Sources,
    limits: Limits,
}

impl Plucker {
    /// Compiles where a table's key and fields come from. A record's values stand in the
    /// order of `fields`.
    pub fn new(key: &Source, fields: &[Source], limits: Limits) -> Self {
        Self { sources: Sources::compile(key, fields), limits }
    }

    /// Takes only records for which all of these hold.
    #[must_use]
    pub fn only_when(mut self, conditions: &[Condition]) -> Self {
        let Sources { filters, paths, .. } = &mut self.sources;
        filters.add_only_when(conditions, paths);
        self
    }

    /// Makes of records for which all of these hold tombstones for their keys.
    #[must_use]
    pub fn delete_when(mut self, conditions: &[Condition]) -> Self {
        let Sources { filters, paths, .. } = &mut self.sources;
        filters.add_delete_when(conditions, paths);
        self
    }

    /// Counts the life of an entry from a time in its record.
    #[must_use]
    pub fn living_from(mut self, source: &Source, ttl: Duration) -> Self {
        let place = Place::of(source, &mut self.sources.paths);
        self.sources.lives_from = Some(LivesFrom { place, ttl });
        self
    }

    /// Whether plucking this message takes so much memory that one thread at a time may do it.
    pub fn is_giant(&self, message: &Message<'_>) -> bool {
        let payload_bytes = message.payload.map_or(0, <[u8]>::len);
        Limits::is_giant(payload_bytes + self.sources.envelope_bytes(message))
    }

    /// Plucks one message. A null payload is a tombstone for the entry whose key is the
    /// *record's* key, wherever the table's keys come from otherwise.
    ///
    /// A payload that no source points into is not parsed and need not be JSON. A record is
    /// lent to `take` for the length of that call, which copies what is to be kept. To keep
    /// the draft itself does not compile,
    ///
    /// ```compile_fail,E0521
    /// # use millpond::pluck::{Message, Plucker, Scratch};
    /// fn keep(plucker: &Plucker, message: &Message<'_>, scratch: &mut Scratch) {
    ///     let mut kept = None;
    ///     let _ = plucker.pluck(message, scratch, |draft| kept = Some(draft));
    /// }
    /// ```
    ///
    /// and to keep a copy does:
    ///
    /// ```
    /// # use millpond::pluck::{Message, Plucker, Scratch};
    /// fn keep(plucker: &Plucker, message: &Message<'_>, scratch: &mut Scratch) {
    ///     let mut kept = None;
    ///     let _ = plucker.pluck(message, scratch, |draft| kept = Some(draft.copy()));
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The reason why the message gives no record: what is wrong with its payload first, then
    /// with its key, then with its fields.
    pub fn pluck<T>(
        &self,
        message: &Message<'_>,
        scratch: &mut Scratch,
        take: impl FnOnce(Draft<'_>) -> T,
    ) -> Result<Plucked<T>, Reject> {
        match message.payload {
            None => self.tombstone(message),
            Some([]) => Err(Reject::EmptyPayload),
            Some(payload) if payload.len() > self.limits.max_document_bytes => {
                Err(Reject::DocumentTooLarge)
            }
            Some(payload) if self.is_giant(message) => self.giant(message, payload, take),
            Some(payload) => {
                let plucked = self.record(message, payload, scratch, take);
                scratch.trim();
                plucked
            }
        }
    }

    fn tombstone<T>(&self, message: &Message<'_>) -> Result<Plucked<T>, Reject> {
        let text = Envelope::RecordKey.text(message)?;
        let key = key::from_text(text, self.limits.max_key_bytes)?;
        Key::copy_of(key).map(Plucked::Tombstone).ok_or(Reject::EmptyKey)
    }

    fn giant<T>(
        &self,
        message: &Message<'_>,
        payload: &[u8],
        take: impl FnOnce(Draft<'_>) -> T,
    ) -> Result<Plucked<T>, Reject> {
        let is_measured = self.sources.need_document() && Limits::is_giant(payload.len());
        let mut scratch = if is_measured {
            let shape = Shape::within(payload, self.limits.parsing_bytes());
            Scratch::for_depth(shape.ok_or(Reject::DocumentTooLarge)?.depth)
        } else {
            Scratch::new()
        };
        self.record(message, payload, &mut scratch, take)
    }

    fn record<T>(
        &self,
        message: &Message<'_>,
        payload: &[u8],
        scratch: &mut Scratch,
        take: impl FnOnce(Draft<'_>) -> T,
    ) -> Result<Plucked<T>, Reject> {
        let Scratch { parser, assembly } = scratch;
        let (sources, limits) = (&self.sources, self.limits);
        let assemble = |nodes: &[Node<'_>]| {
            Ok(match assembly.draft(sources, limits, message, nodes)? {
                Assembled::Draft(draft) => Plucked::Record(take(draft)),
                Assembled::TooLarge(key) => Plucked::TooLarge(key),
                Assembled::Deletes(key) => Plucked::Tombstone(key),
                Assembled::Filtered => Plucked::Filtered,
            })
        };
        if sources.need_document() { parser.parse(payload, assemble) } else { assemble(&[]) }
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
