//! What a source can point at: the record key or a value in it, a header, or a value in the
//! document.
//!
//! Whatever the place, the value is a [`JsonValue`]; keys and headers are text. So a key, a
//! field, a condition and a time are read in one way, wherever they come from.

use super::json::{JsonValue, Located, PathId, Paths};
use super::message::Message;
use super::record_key::RecordKey;
use crate::config::Source;
use crate::record::Reject;

/// Every pointer among the sources of a table.
#[derive(Debug, Default)]
pub(super) struct Pointers {
    pub(super) into_document: Paths,
    pub(super) into_record_key: Paths,
}

impl Pointers {
    /// Locates all by the code that runs on every processor.
    pub(super) fn set_portable(&mut self) {
        self.into_document.set_portable();
        self.into_record_key.set_portable();
    }
}

/// A configured source, ready to be read from any number of messages.
#[derive(Debug)]
pub(super) enum CompiledSource {
    RecordKey,
    InRecordKey(PathId),
    Header(Box<str>),
    InDocument(PathId),
}

impl CompiledSource {
    /// Compiles one source; if it points somewhere, `pointers` get it.
    pub(super) fn new(source: &Source, pointers: &mut Pointers) -> Self {
        match source {
            Source::RecordKey => Self::RecordKey,
            Source::InRecordKey(pointer) => {
                Self::InRecordKey(pointers.into_record_key.add(pointer))
            }
            Source::Header(name) => Self::Header(name.clone()),
            Source::Pointer(pointer) => Self::InDocument(pointers.into_document.add(pointer)),
        }
    }

    /// Whether a message without a document may have it all the same.
    pub(super) fn is_outside_document(&self) -> bool {
        !matches!(self, Self::InDocument(_))
    }

    /// Whether it is the record key or a part of it.
    pub(super) fn is_of_record_key(&self) -> bool {
        matches!(self, Self::RecordKey | Self::InRecordKey(_))
    }
}

/// A message with what was located in its document and in its key.
pub(super) struct ParsedMessage<'d, 'm> {
    pub(super) message: &'d Message<'m>,
    pub(super) record_key: RecordKey<'d>,
    pub(super) document: Located<'d>,
}

impl<'d> ParsedMessage<'d, '_> {
    /// The value that a source points at; `None` if the message has nothing there.
    pub(super) fn value(&self, source: &CompiledSource) -> Result<Option<JsonValue<'d>>, Reject> {
        match source {
            CompiledSource::RecordKey => self.record_key.text(),
            CompiledSource::InRecordKey(path) => self.record_key.value(*path),
            CompiledSource::Header(name) => {
                Ok(self.message.header_text(name)?.map(JsonValue::plain))
            }
            CompiledSource::InDocument(path) => Ok(self.document.value(*path)),
        }
    }

    /// The most bytes that the value has as text.
    pub(super) fn max_text_bytes(&self, source: &CompiledSource) -> usize {
        match source {
            CompiledSource::RecordKey => self.message.key.map_or(0, <[u8]>::len),
            CompiledSource::InRecordKey(path) => self.record_key.written_bytes(*path),
            CompiledSource::Header(name) => (self.message.header)(name).map_or(0, <[u8]>::len),
            CompiledSource::InDocument(path) => self.document.written_bytes(*path),
        }
    }

    /// The value that a source points at, unless it is null.
    pub(super) fn present(&self, source: &CompiledSource) -> Result<Option<JsonValue<'d>>, Reject> {
        Ok(self.value(source)?.filter(|value| !matches!(value, JsonValue::Null)))
    }
}
