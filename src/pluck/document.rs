//! What a source can point at: the record key, a header, or a value in the document.
//!
//! Whatever the place, the value is a [`JsonValue`]; keys and headers are text. So a key, a
//! field, a condition and a time are read in one way, wherever they come from.

use super::json::{JsonValue, Located, PathId, Paths};
use super::message::Message;
use crate::config::Source;
use crate::record::Reject;

/// A configured source, ready to be read from any number of messages.
#[derive(Debug)]
pub(super) enum CompiledSource {
    RecordKey,
    Header(Box<str>),
    Path(PathId),
}

impl CompiledSource {
    /// Compiles one source; a pointer is added to `paths`.
    pub(super) fn new(source: &Source, paths: &mut Paths) -> Self {
        match source {
            Source::RecordKey => Self::RecordKey,
            Source::Header(name) => Self::Header(name.clone()),
            Source::Pointer(pointer) => Self::Path(paths.add(pointer)),
        }
    }

    /// How many bytes it reads of a message outside the document.
    pub(super) fn bytes_outside_document(&self, message: &Message<'_>) -> usize {
        let bytes = match self {
            Self::RecordKey => message.key,
            Self::Header(name) => (message.header)(name),
            Self::Path(_) => None,
        };
        bytes.map_or(0, <[u8]>::len)
    }
}

/// A message with its parsed document.
pub(super) struct ParsedMessage<'d, 'm> {
    pub(super) message: &'d Message<'m>,
    pub(super) document: Located<'d>,
}

impl<'d> ParsedMessage<'d, '_> {
    /// The value that a source points at; `None` if the message has nothing there.
    pub(super) fn value(&self, source: &CompiledSource) -> Result<Option<JsonValue<'d>>, Reject> {
        let text = match source {
            CompiledSource::Path(path) => return Ok(self.document.value(*path)),
            CompiledSource::RecordKey => self.message.key_text()?,
            CompiledSource::Header(name) => self.message.header_text(name)?,
        };
        Ok(text.map(JsonValue::Text))
    }
}
