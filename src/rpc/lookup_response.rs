//! Encodes the outcomes of lookups, straight from the table's memory to the response buffer.
//! Whether a lookup is a hit or a miss, and why, is decided in `lookup.rs`.
//!
//! Nothing is copied in between, so the messages `GetResponse`, `BatchGetResponse` and
//! `StreamGetResponse` are written by hand: the field numbers here are those of
//! `proto/millpond/v1/lookup.proto`. In Protobuf a length comes before the bytes, so an entry is
//! measured first and then written.

use std::ops::Range;

use prost::Message;
use prost::encoding::{encoded_len_varint, key_len};

use super::convert::{to_origin, to_timestamp};
use super::field_mask::FieldMask;
use super::lookup_request::MAX_BATCH_KEYS;
use super::response::ResponseBuffer;
use crate::proto::v1::{AsOf, Miss, Origin, StreamGetResponse};
use crate::record::{EntryView, Value};

/// Field numbers of `LookupResult`.
mod outcome {
    pub(super) const ENTRY: u32 = 1;
    pub(super) const MISS: u32 = 2;
}
/// Field numbers of `GetResponse`.
mod get {
    pub(super) const RESULT: u32 = 1;
    pub(super) const AS_OF: u32 = 2;
}
/// Field numbers of `StreamGetResponse`.
mod stream_get {
    pub(super) const RESPONSE: u32 = 2;
}
/// Field numbers of `BatchGetResponse`.
mod batch {
    pub(super) const RESULTS: u32 = 1;
    pub(super) const DEFERRED: u32 = 2;
    pub(super) const AS_OF: u32 = 3;
}
/// Field numbers of `Entry`.
mod entry {
    pub(super) const KEY: u32 = 1;
    pub(super) const FIELDS: u32 = 2;
    pub(super) const ORIGIN: u32 = 3;
    pub(super) const EXPIRE_TIME: u32 = 4;
}
/// Field numbers of an item of any map.
mod item {
    pub(super) const KEY: u32 = 1;
    pub(super) const VALUE: u32 = 2;
}
/// Field numbers of `Value`.
mod kind {
    pub(super) const NULL: u32 = 1;
    pub(super) const BOOL: u32 = 2;
    pub(super) const INT: u32 = 3;
    pub(super) const UINT: u32 = 4;
    pub(super) const DOUBLE: u32 = 5;
    pub(super) const STRING: u32 = 6;
    pub(super) const JSON: u32 = 7;
    pub(super) const NUMBER_TEXT: u32 = 8;
}

/// The outcome of a lookup of one key.
pub(super) enum LookupOutcome<'a> {
    Entry(FoundEntry<'a>),
    Miss(Miss),
}

impl LookupOutcome<'_> {
    /// Writes a `GetResponse`.
    pub(super) fn put_get_response(&self, as_of: &AsOf, buffer: &mut ResponseBuffer) {
        self.put_result(get::RESULT, buffer);
        buffer.put_field(get::AS_OF, as_of);
    }

    /// Writes a `StreamGetResponse` that carries this tag, with its head.
    pub(super) fn put_stream_get_response(
        &self,
        tag: i64,
        as_of: &AsOf,
        buffer: &mut ResponseBuffer,
    ) {
        let response_len =
            field_len(get::RESULT, self.len()) + field_len(get::AS_OF, as_of.encoded_len());
        let tagged = StreamGetResponse { tag, outcome: None };
        let tag_len = tagged.encoded_len();
        buffer.put_message_head(tag_len + field_len(stream_get::RESPONSE, response_len));
        buffer.put_message(&tagged);
        buffer.put_length(stream_get::RESPONSE, response_len);
        self.put_get_response(as_of, buffer);
    }

    /// Encoded length of one result in a `BatchGetResponse`.
    pub(super) fn batch_result_len(&self) -> usize {
        field_len(batch::RESULTS, self.len())
    }

    /// Writes one result of a `BatchGetResponse`.
    pub(super) fn put_batch_result(&self, buffer: &mut ResponseBuffer) {
        self.put_result(batch::RESULTS, buffer);
    }

    fn put_result(&self, tag: u32, buffer: &mut ResponseBuffer) {
        buffer.put_length(tag, self.len());
        self.put(buffer);
    }

    fn len(&self) -> usize {
        match self {
            Self::Entry(found) => field_len(outcome::ENTRY, found.encoded_len),
            Self::Miss(miss) => field_len(outcome::MISS, miss.encoded_len()),
        }
    }

    fn put(&self, buffer: &mut ResponseBuffer) {
        match self {
            Self::Entry(found) => found.put_field(outcome::ENTRY, buffer),
            Self::Miss(miss) => buffer.put_field(outcome::MISS, miss),
        }
    }
}

/// Most bytes that the end of a `BatchGetResponse` takes. An index has one byte or two.
pub(super) fn max_batch_end_len(as_of: &AsOf) -> usize {
    field_len(batch::DEFERRED, 2 * MAX_BATCH_KEYS) + field_len(batch::AS_OF, as_of.encoded_len())
}

/// Writes the end of a `BatchGetResponse`: which keys are deferred, by their indexes, and `as_of`.
pub(super) fn put_batch_end(deferred: Range<usize>, as_of: &AsOf, buffer: &mut ResponseBuffer) {
    if !deferred.is_empty() {
        let indexes = deferred.map(|index| index as u64);
        let len = indexes.clone().map(encoded_len_varint).sum();
        buffer.put_length(batch::DEFERRED, len);
        indexes.for_each(|index| buffer.put_varint(index));
    }
    buffer.put_field(batch::AS_OF, as_of);
}

/// An entry in the memory of its table, measured and ready to be written.
pub(super) struct FoundEntry<'a> {
    key: &'a str,
    names: &'a [Box<str>],
    mask: &'a FieldMask,
    entry: EntryView<'a>,
    origin: Origin,
    expire_time: prost_types::Timestamp,
    encoded_len: usize,
}

impl<'a> FoundEntry<'a> {
    /// The entry under `key`, in a table whose fields have these names, with the fields of the mask.
    pub(super) fn new(
        key: &'a str,
        names: &'a [Box<str>],
        mask: &'a FieldMask,
        entry: EntryView<'a>,
    ) -> Self {
        let (origin, expire_time) = (to_origin(entry.origin), to_timestamp(entry.expires_at));
        let mut found = Self { key, names, mask, entry, origin, expire_time, encoded_len: 0 };
        let fields = found.fields();
        let fields = fields.map(|(name, value)| field_len(entry::FIELDS, item_len(name, value)));
        found.encoded_len = field_len(entry::KEY, key.len())
            + fields.sum::<usize>()
            + field_len(entry::ORIGIN, found.origin.encoded_len())
            + field_len(entry::EXPIRE_TIME, found.expire_time.encoded_len());
        found
    }

    /// How long it is in a message, in bytes.
    pub(super) fn encoded_len(&self) -> usize {
        self.encoded_len
    }

    /// Writes it as a field.
    pub(super) fn put_field(&self, tag: u32, buffer: &mut ResponseBuffer) {
        buffer.put_length(tag, self.encoded_len);
        self.put(buffer);
    }

    fn put(&self, buffer: &mut ResponseBuffer) {
        buffer.put_text(entry::KEY, self.key);
        for (name, value) in self.fields() {
            buffer.put_length(entry::FIELDS, item_len(name, value));
            buffer.put_text(item::KEY, name);
            buffer.put_length(item::VALUE, value_len(value));
            put_value(value, buffer);
        }
        buffer.put_field(entry::ORIGIN, &self.origin);
        buffer.put_field(entry::EXPIRE_TIME, &self.expire_time);
    }

    /// The fields that the message had and the caller wants, by name.
    fn fields(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let (names, mask) = (self.names.iter().map(AsRef::as_ref), self.mask);
        let fields = names.zip(self.entry.values()).enumerate();
        fields.filter_map(|(number, (name, value))| {
            let value = value.filter(|_| mask.includes(number))?;
            Some((name, value))
        })
    }
}

fn item_len(name: &str, value: Value<'_>) -> usize {
    field_len(item::KEY, name.len()) + field_len(item::VALUE, value_len(value))
}

fn value_len(value: Value<'_>) -> usize {
    // All kinds have tags of the same length.
    let integer_len = |integer| key_len(kind::INT) + encoded_len_varint(integer);
    match value {
        Value::Null | Value::Bool(_) => integer_len(0),
        Value::Int(int) => integer_len(int.cast_unsigned()),
        Value::Uint(uint) => integer_len(uint),
        Value::Double(double) => key_len(kind::DOUBLE) + size_of_val(&double),
        Value::Text(text) | Value::Json(text) | Value::NumberText(text) => {
            field_len(kind::STRING, text.len())
        }
    }
}

/// Writes a member of a oneof: unlike other fields it is written even if it is zero or empty.
fn put_value(value: Value<'_>, buffer: &mut ResponseBuffer) {
    match value {
        Value::Null => buffer.put_integer(kind::NULL, 0),
        Value::Bool(bool) => buffer.put_integer(kind::BOOL, u64::from(bool)),
        Value::Int(int) => buffer.put_integer(kind::INT, int.cast_unsigned()),
        Value::Uint(uint) => buffer.put_integer(kind::UINT, uint),
        Value::Double(double) => buffer.put_double(kind::DOUBLE, double),
        Value::Text(text) => buffer.put_text(kind::STRING, text),
        Value::Json(json) => buffer.put_text(kind::JSON, json),
        Value::NumberText(number) => buffer.put_text(kind::NUMBER_TEXT, number),
    }
}

/// Encoded length of a field whose content is this long: tag, length and content.
pub(super) fn field_len(tag: u32, len: usize) -> usize {
    key_len(tag) + encoded_len_varint(len as u64) + len
}

#[cfg(test)]
mod tests;
