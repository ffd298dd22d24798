//! Plucks a key and a few fields out of a message: the only module that knows an encoding.
//!
//! ```text
//! Message --json::Parser--> document --Paths--> values --DraftBuilder--> Plucked or Reject
//!           (a copy)           (borrow the copy)         (copied into Scratch)
//! ```
//!
//! It is pure and total: any bytes give a [`Plucked`] or a [`Reject`], and nothing here
//! panics, blocks or reads a clock. [`Plucked`] borrows the [`Scratch`] memory, which is
//! bounded by [`Limits`]. Nothing here knows tables, or more of Kafka than a [`Message`] shows.
//!
//! A part of a document that no source points at loses no record, unless it makes the payload no
//! JSON at all: bytes that are not UTF-8, or text that breaks JSON's grammar.
//!
//! Where RFC 8259 leaves a choice: if a name is given twice, the last value counts, and `-0` is
//! the integer 0. Every number is exact. One that neither an integer of 64 bits nor a double
//! shows as it was sent is kept as its text, be it too long or too large. Half of a surrogate
//! pair becomes U+FFFD, but in a key it is [`Reject::InvalidUtf8`]. Nesting is limited only by
//! the memory that a parse may take, since nothing recurses.

mod document;
mod draft_builder;
mod filters;
mod json;
mod key;
mod key_source;
mod life;
mod limits;
mod message;
mod record_key;
mod scratch;
mod sources;
mod times;
mod version;

pub use limits::Limits;
pub use message::{Deletion, Message, Plucked, Rejected};
pub use scratch::Scratch;

use crate::config::{Condition, KeySources, Life, Source};
use crate::record::Reject;
use draft_builder::{DraftBuilder, ParsedParts};
use json::{Document, Parser, Shape};
use sources::Sources;

/// Plucks messages for one table.
pub struct Plucker {
    sources: Sources,
    limits: Limits,
}

impl Plucker {
    /// Compiles the sources of a table's key, fields and times. The values of a record are in the
    /// order of `fields`.
    pub fn new(key: &KeySources, fields: &[Source], life: &Life, limits: Limits) -> Self {
        Self { sources: Sources::new(key, fields, life), limits }
    }

    /// Filters out records for which any of these conditions does not hold.
    #[must_use]
    pub fn only_when(mut self, conditions: &[Condition]) -> Self {
        self.sources.set_only_when(conditions);
        self
    }

    /// Records for which all of these conditions hold delete the entry of their key.
    #[must_use]
    pub fn delete_when(mut self, conditions: &[Condition]) -> Self {
        self.sources.set_delete_when(conditions);
        self
    }

    /// Takes the version of a record from it: a draft is ranked by that.
    #[must_use]
    pub fn version(mut self, source: &Source) -> Self {
        self.sources.set_version(source);
        self
    }

    /// Whether plucking this message takes so much memory that one thread at a time may do it.
    pub fn is_large(&self, message: &Message<'_>) -> bool {
        let payload = message.payload.filter(|_| self.sources.needs_document());
        let payload_bytes = payload.map_or(0, <[u8]>::len);
        Limits::is_large(payload_bytes + self.sources.bytes_outside_document(message))
    }

    /// Plucks one message. A null payload is a tombstone: it deletes the entry whose key
    /// is the *record's* key, even if the table takes its keys from elsewhere.
    ///
    /// A payload into which no source points is not parsed: it need not be JSON, and may have any
    /// size.
    ///
    /// The outcome is copied into `scratch` and borrows nothing else, so the payload can be
    /// dropped before it:
    ///
    /// ```
    /// # use millpond::pluck::{Message, Plucked, Plucker, Rejected, Scratch};
    /// # use millpond::record::{Origin, Timestamp};
    /// fn pluck<'s>(
    ///     plucker: &Plucker,
    ///     payload: Vec<u8>,
    ///     scratch: &'s mut Scratch,
    /// ) -> Result<Plucked<'s>, Rejected<'s>> {
    ///     let message = Message {
    ///         key: None,
    ///         payload: Some(&payload),
    ///         header: &|_| None,
    ///         origin: Origin { partition: 0, offset: 0, time: Timestamp::from_millis(0) },
    ///         now: Timestamp::from_millis(1),
    ///         now_elsewhere: Timestamp::from_millis(1),
    ///     };
    ///     let plucked = plucker.pluck(&message, scratch);
    ///     drop(payload);
    ///     plucked
    /// }
    /// ```
    ///
    /// The next message overwrites the scratch memory. To keep an outcome beyond that does not
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
    /// nor does keeping a draft for longer than the scratch,
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
    /// but to keep a copy does:
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
    /// The reason why the message gives no record: a fault of its payload comes before one of
    /// its key, and that before one of its time or fields. The entry that the record would have
    /// replaced comes with it, if it is known.
    pub fn pluck<'s>(
        &self,
        message: &Message<'_>,
        scratch: &'s mut Scratch,
    ) -> Result<Plucked<'s>, Rejected<'s>> {
        let fault = self.prepare(scratch, message).err();
        let Scratch { parser, key_parser, builder, .. } = scratch;
        match self.sources.record_key_to_parse(message) {
            None => self.pluck_payload(message, fault, None, parser, builder),
            Some(key) => key_parser.parse(key, |record_key| {
                self.pluck_payload(message, fault, Some(record_key), parser, builder)
            }),
        }
    }

    /// Plucks a message whose record key is parsed, if it has to be, and whose payload may have a
    /// fault already.
    fn pluck_payload<'s>(
        &self,
        message: &Message<'_>,
        fault: Option<Reject>,
        record_key: Option<Result<Document<'_>, Reject>>,
        parser: &mut Parser,
        builder: &'s mut DraftBuilder,
    ) -> Result<Plucked<'s>, Rejected<'s>> {
        let (sources, limits) = (&self.sources, self.limits);
        let document = match (fault, message.payload.filter(|_| sources.needs_document())) {
            (Some(fault), _) => Err(fault),
            (None, None) => Ok(Document::default()),
            (None, Some(payload)) => {
                return parser.parse(payload, |document| {
                    builder.build(sources, limits, message, ParsedParts { record_key, document })
                });
            }
        };
        builder.build(sources, limits, message, ParsedParts { record_key, document })
    }

    /// Prepares the scratch memory, so that it does not grow beyond what the message may take.
    /// Fails if the payload is refused whatever it holds.
    fn prepare(&self, scratch: &mut Scratch, message: &Message<'_>) -> Result<(), Reject> {
        if self.is_large(message) {
            *scratch = Scratch::new();
        } else {
            scratch.prepare_for_small();
        }
        match message.payload {
            Some([]) => Err(Reject::EmptyPayload),
            Some(payload) if self.sources.needs_document() => {
                self.prepare_for_document(scratch, message, payload)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn prepare_for_document(
        &self,
        scratch: &mut Scratch,
        message: &Message<'_>,
        payload: &[u8],
    ) -> Result<(), Reject> {
        if payload.len() > self.limits.max_document_bytes {
            return Err(Reject::DocumentTooLarge);
        }
        if Limits::is_large(payload.len()) {
            let key_bytes = self.sources.record_key_to_parse(message).map_or(0, <[u8]>::len);
            let shape = Shape::within(payload, self.limits.parsing_bytes_beside(key_bytes));
            scratch.prepare_for_depth(shape.ok_or(Reject::DocumentTooLarge)?.depth);
        }
        Ok(())
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
