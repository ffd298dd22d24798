//! Plucks a key and a few fields out of a message: the only module that knows the encoding, JSON.
//!
//! Pure and total: any bytes give a [`Record`], a tombstone or a [`Reject`], and
//! nothing here panics, blocks or asks the time. What leaves is owned; the copy
//! of the payload, the tape and the texts made on the way are scratch memory,
//! used again for the next message. Knows nothing of Kafka beyond what
//! [`Message`] shows, and nothing of tables.
//!
//! Where RFC 8259 leaves room: of a name given twice the last counts. Integers
//! of 64 bits are exact, and `-0` is the integer 0; wider ones become doubles, and
//! a number too big for a double is [`Reject::InvalidJson`], as is half of a surrogate
//! pair. Nesting has no limit but the document's size: no stack grows with it.

mod assembly;
mod json_text;
mod key;
mod parser;
mod paths;
mod sources;
mod tape;

use crate::config::Source;
use crate::record::{Key, Origin, Record, Reject, Timestamp};

use assembly::Assembly;
use parser::Parser;
use sources::{Envelope, Sources};

/// What a message may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a payload. Parsing one takes some 10 times as much scratch memory as a rule
    /// and up to 60 times at worst (nothing but brackets).
    pub max_document_bytes: usize,
    /// Bytes of a key, as text.
    pub max_key_bytes: usize,
}

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
    /// When the entry made of it is to be absent again.
    pub expires_at: Timestamp,
}

/// What a message asks of the table.
#[derive(Debug, Clone, PartialEq)]
pub enum Plucked {
    /// To store this.
    Record(Record),
    /// To delete the entry of this key.
    Tombstone(Key),
}

/// Plucks messages for one table. One thread's: it keeps scratch memory.
pub struct Plucker {
    sources: Sources,
    limits: Limits,
    parser: Parser,
    assembly: Assembly,
}

impl Plucker {
    /// Scratch memory over this many bytes is given back as soon as the message is done,
    /// so that one giant does not stay with every plucker for good.
    pub const KEPT_SCRATCH_BYTES: usize = 1 << 20;

    /// Compiles where a table's key and fields come from. A record's values stand in the
    /// order of `fields`.
    pub fn new(key: &Source, fields: &[Source], limits: Limits) -> Self {
        Self {
            sources: Sources::compile(key, fields),
            limits,
            parser: Parser::new(),
            assembly: Assembly::default(),
        }
    }

    /// Plucks one message. A null payload is a tombstone for the entry whose key is the
    /// *record's* key, wherever the table's keys come from otherwise.
    ///
    /// A payload that no source points into is not parsed and need not be JSON.
    ///
    /// # Errors
    ///
    /// The reason why the message gives no record: what is wrong with its payload first, then
    /// with its key, then with its fields.
    pub fn pluck(&mut self, message: &Message<'_>) -> Result<Plucked, Reject> {
        let Some(payload) = message.payload else {
            let text = Envelope::RecordKey.text(message)?;
            return key::from_text(text, self.limits.max_key_bytes).map(Plucked::Tombstone);
        };
        let record = self.record(message, payload);
        if self.scratch_bytes() > Self::KEPT_SCRATCH_BYTES {
            self.parser = Parser::new();
            self.assembly = Assembly::default();
        }
        record.map(Plucked::Record)
    }

    /// Bytes held between messages for reuse, near enough; never much over
    /// [`KEPT_SCRATCH_BYTES`](Self::KEPT_SCRATCH_BYTES).
    pub fn scratch_bytes(&self) -> usize {
        self.parser.scratch_bytes() + self.assembly.scratch_bytes()
    }

    fn record(&mut self, message: &Message<'_>, payload: &[u8]) -> Result<Record, Reject> {
        if payload.is_empty() {
            return Err(Reject::EmptyPayload);
        }
        if payload.len() > self.limits.max_document_bytes {
            return Err(Reject::DocumentTooLarge);
        }
        let Self { sources, limits, parser, assembly } = self;
        if sources.need_document() {
            parser.parse(payload, |nodes| assembly.record(sources, *limits, message, nodes))
        } else {
            assembly.record(sources, *limits, message, &[])
        }
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
