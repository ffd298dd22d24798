//! The key of a Kafka record: text, or JSON that sources point into.
//!
//! A key that is one JSON string, with quotes, is the text inside the quotes. Any other key is its
//! text as it is: `42` is the key 42. An object or array is looked into by sources that point into
//! it, such as `@key/id`.

use super::json::{JsonValue, Located, PathId};
use crate::record::Reject;

/// A record key, with what it holds as JSON if it is looked at as such.
pub(super) struct RecordKey<'d> {
    bytes: Option<&'d [u8]>,
    json: Option<Result<Located<'d>, Reject>>,
}

impl<'d> RecordKey<'d> {
    /// A longer key is not looked at as JSON.
    pub(super) const MAX_JSON_BYTES: usize = 16 << 10;

    /// The key of a message, and the values in its JSON that sources point at.
    pub(super) fn new(bytes: Option<&'d [u8]>, json: Option<Result<Located<'d>, Reject>>) -> Self {
        Self { bytes, json }
    }

    /// All of it as text; `None` if it is null.
    pub(super) fn text(&self) -> Result<Option<JsonValue<'d>>, Reject> {
        let Some(bytes) = self.bytes else { return Ok(None) };
        let text = str::from_utf8(bytes).map_err(|_| Reject::InvalidUtf8)?;
        Ok(Some(match self.root() {
            Some(quoted @ JsonValue::Text(_)) => quoted,
            _ => JsonValue::plain(text),
        }))
    }

    /// All of it as text that identifies an entry. Bytes that are no text may be UTF-8 by chance,
    /// and would be a key that nobody asks for.
    pub(super) fn identifier(&self) -> Result<Option<JsonValue<'d>>, Reject> {
        self.refuse_binary()?;
        self.text()
    }

    /// The same for a table that takes its keys from documents: an object or array is refused, since
    /// no such key is its text.
    pub(super) fn scalar_identifier(&self) -> Result<Option<JsonValue<'d>>, Reject> {
        match self.root() {
            Some(JsonValue::Container(_)) => Err(Reject::StructuredKey),
            _ => self.identifier(),
        }
    }

    /// The value in it that a pointer leads to; `None` if it has nothing there.
    pub(super) fn value(&self, path: PathId) -> Result<Option<JsonValue<'d>>, Reject> {
        self.refuse_binary()?;
        match (self.bytes, self.json) {
            (Some(bytes), None) if bytes.len() > Self::MAX_JSON_BYTES => Err(Reject::KeyTooLong),
            (_, Some(Err(reason))) => Err(reason),
            (_, Some(Ok(located))) => Ok(located.value(path)),
            // Text that is neither an object nor an array.
            (_, None) => self.text().map(|_| None),
        }
    }

    /// The most bytes that a value in it has as text.
    pub(super) fn written_bytes(&self, path: PathId) -> usize {
        let located = self.json.and_then(Result::ok);
        located.map_or(0, |located| located.written_bytes(path))
    }

    fn root(&self) -> Option<JsonValue<'d>> {
        self.json?.ok()?.root()
    }

    fn refuse_binary(&self) -> Result<(), Reject> {
        let is_binary = self.bytes.is_some_and(|bytes| bytes.iter().any(|byte| is_control(*byte)));
        if is_binary { Err(Reject::BinaryKey) } else { Ok(()) }
    }
}

/// Whether a byte is a control character that text has no use for: neither white space nor one of
/// the separators 0x1c to 0x1f, which join the parts of a key. A number in binary, and what a schema
/// registry frames, has such bytes nearly always.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0b | 0x0c | 0x0e..=0x1b | 0x7f)
}
