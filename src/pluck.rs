//! Plucks a key and a few fields out of a message: the only module that knows an encoding.
//!
//! ```text
//! Message --json::Paths--> values --DraftBuilder--> Plucked or Reject
//!                          (borrow the message)     (copied into Scratch)
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
//! pair becomes U+FFFD, but in a key it is [`Reject::InvalidUtf8`]. Nesting has no limit, since
//! nothing recurses.

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
use draft_builder::LocatedParts;
use json::Located;
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

    /// Plucks by the code that runs on every processor, without vector instructions. Benchmarks and
    /// tests compare the two.
    #[must_use]
    pub fn portable(mut self) -> Self {
        self.sources.pointers.set_portable();
        self
    }

    /// Whether it takes anything from the headers of messages.
    pub fn reads_headers(&self) -> bool {
        self.sources.reads_headers()
    }

    /// Plucks one message. A null payload is a tombstone: it deletes the entry whose key
    /// is the *record's* key, even if the table takes its keys from elsewhere.
    ///
    /// A payload into which no source points is not looked at: it need not be JSON, and may have any
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
        scratch.prepare();
        let Scratch { document, record_key, builder } = scratch;
        let Sources { pointers, .. } = &self.sources;
        let key = self.sources.record_key_as_json(message);
        let parts = LocatedParts {
            record_key: key.map(|key| pointers.into_record_key.locate(key, record_key)),
            document: match self.document(message) {
                Ok(Some(payload)) => pointers.into_document.locate(payload, document),
                Ok(None) => Ok(Located::default()),
                Err(fault) => Err(fault),
            },
        };
        builder.build(&self.sources, self.limits, message, parts)
    }

    /// The payload, if a source points into it. Fails if it is refused whatever it holds.
    fn document<'m>(&self, message: &Message<'m>) -> Result<Option<&'m [u8]>, Reject> {
        match message.payload {
            Some([]) => Err(Reject::EmptyPayload),
            Some(_) if !self.sources.needs_document() => Ok(None),
            Some(payload) if payload.len() > self.limits.max_document_bytes => {
                Err(Reject::DocumentTooLarge)
            }
            payload => Ok(payload),
        }
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
