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

use crate::config::{Condition, Source};
use crate::record::{Draft, KeyRef, Origin, Reject, Timestamp};

pub use limits::Limits;
pub use scratch::Scratch;
use shape::Shape;
use sources::{Place, Sources};
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

/// What a message asks of the table. It borrows scratch memory, never the message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plucked<'s> {
    /// To store this record, or to delete what it would replace if it is oversized.
    Record(Draft<'s>),
    /// To delete the entry of this key: a tombstone, or a record that says so.
    Tombstone(KeyRef<'s>),
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
    pub fn is_large(&self, message: &Message<'_>) -> bool {
        let payload_bytes = message.payload.map_or(0, <[u8]>::len);
        Limits::is_large(payload_bytes + self.sources.envelope_bytes(message))
    }

    /// Plucks one message. A null payload is a tombstone for the entry whose key is the
    /// *record's* key, wherever the table's keys come from otherwise.
    ///
    /// A payload that no source points into is not parsed and need not be JSON.
    ///
    /// What is plucked is copied to `scratch` and borrows nothing else. So the message can be
    /// dropped first:
    ///
    /// ```
    /// # use millpond::pluck::{Message, Plucked, Plucker, Scratch};
    /// # use millpond::record::{Origin, Reject, Timestamp};
    /// fn pluck<'s>(
    ///     plucker: &Plucker,
    ///     payload: Vec<u8>,
    ///     scratch: &'s mut Scratch,
    /// ) -> Result<Plucked<'s>, Reject> {
    ///     let message = Message {
    ///         key: None,
    ///         payload: Some(&payload),
    ///         header: &|_| None,
    ///         origin: Origin { partition: 0, offset: 0, time: Timestamp::from_millis(0) },
    ///         expires_at: Timestamp::from_millis(1),
    ///     };
    ///     let plucked = plucker.pluck(&message, scratch);
    ///     drop(payload);
    ///     plucked
    /// }
    /// ```
    ///
    /// The next message overwrites the scratch memory. To keep a draft until then does not
    /// compile,
    ///
    /// ```compile_fail,E0499
    /// # use millpond::pluck::{Message, Plucker, Scratch};
    /// fn keep(plucker: &Plucker, messages: [Message<'_>; 2], scratch: &mut Scratch) {
    ///     let first = plucker.pluck(&messages[0], scratch);
    ///     let second = plucker.pluck(&messages[1], scratch);
    ///     assert!(first == second);
    /// }
    /// ```
    ///
    /// nor does keeping it for longer than the scratch,
    ///
    /// ```compile_fail,E0597
    /// # use millpond::pluck::{Message, Plucked, Plucker, Scratch};
    /// # use millpond::record::Draft;
    /// fn keep<'d>(plucker: &Plucker, message: &Message<'_>, kept: &mut Vec<Draft<'d>>) {
    ///     let mut scratch = Scratch::new();
    ///     if let Ok(Plucked::Record(draft)) = plucker.pluck(message, &mut scratch) {
    ///         kept.push(draft);
    ///     }
    /// }
    /// ```
    ///
    /// and to keep a copy does:
    ///
    /// ```
    /// # use millpond::pluck::{Message, Plucked, Plucker, Scratch};
    /// # use millpond::record::Record;
    /// fn keep(plucker: &Plucker, message: &Message<'_>, kept: &mut Vec<Record>) {
    ///     let mut scratch = Scratch::new();
    ///     if let Ok(Plucked::Record(draft)) = plucker.pluck(message, &mut scratch) {
    ///         kept.push(draft.copy());
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The reason why the message gives no record: what is wrong with its payload first, then
    /// with its key, then with its fields.
    pub fn pluck<'s>(
        &self,
        message: &Message<'_>,
        scratch: &'s mut Scratch,
    ) -> Result<Plucked<'s>, Reject> {
        match message.payload {
            None => scratch.assembly.tombstone(self.limits, message),
            Some([]) => Err(Reject::EmptyPayload),
            Some(payload) if payload.len() > self.limits.max_document_bytes => {
                Err(Reject::DocumentTooLarge)
            }
            Some(payload) => {
                self.prepare(scratch, message, payload)?;
                self.record(message, payload, scratch)
            }
        }
    }

    /// Gives back what the message before left over, and takes no more than this one may.
    fn prepare(
        &self,
        scratch: &mut Scratch,
        message: &Message<'_>,
        payload: &[u8],
    ) -> Result<(), Reject> {
        if !self.is_large(message) {
            scratch.prepare_for_small();
        } else if self.sources.need_document() && Limits::is_large(payload.len()) {
            let shape = Shape::within(payload, self.limits.parsing_bytes());
            scratch.prepare_for_depth(shape.ok_or(Reject::DocumentTooLarge)?.depth);
        } else {
            *scratch = Scratch::new();
        }
        Ok(())
    }

    fn record<'s>(
        &self,
        message: &Message<'_>,
        payload: &[u8],
        scratch: &'s mut Scratch,
    ) -> Result<Plucked<'s>, Reject> {
        let Scratch { parser, assembly, .. } = scratch;
        let (sources, limits) = (&self.sources, self.limits);
        if sources.need_document() {
            parser.parse(payload, |nodes| assembly.pluck(sources, limits, message, nodes))
        } else {
            assembly.pluck(sources, limits, message, &[])
        }
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
