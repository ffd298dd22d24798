//! An entry as the server answers it: encoded from the table's bytes into the
//! answer's buffer, with nothing in between.
//!
//! It stands in for the generated `millpond.v1.Entry` on the server's side and has
//! to agree with `proto/millpond/v1/lookup.proto` in every field number.

use std::sync::Arc;

use prost::bytes::{Buf, BufMut};
use prost::encoding::{
    DecodeContext, WireType, encode_key, encode_varint, encoded_len_varint, key_len, message,
    skip_field, string,
};
use prost::{DecodeError, Message};
use prost_types::Timestamp as WireTimestamp;

use crate::proto::server::Origin;
use crate::record::{self, Entry, Timestamp, Value};
use crate::table::Table;

const KEY: u32 = 1;
const FIELDS: u32 = 2;
const ORIGIN: u32 = 3;
const EXPIRE_TIME: u32 = 4;
/// Field numbers of an item of any protobuf map.
const ITEM_KEY: u32 = 1;
const ITEM_VALUE: u32 = 2;

/// A found entry, on its way into an answer.
#[derive(Debug, Clone, Default)]
pub struct AnswerEntry {
    key: String,
    found: Option<Found>,
}

#[derive(Debug, Clone)]
struct Found {
    table: Arc<Table>,
    entry: Entry,
}

impl AnswerEntry {
    /// Shares the table's bytes; nothing is copied yet.
    pub(super) fn new(key: String, table: &Arc<Table>, entry: Entry) -> Self {
        Self { key, found: Some(Found { table: Arc::clone(table), entry }) }
    }
}

impl PartialEq for AnswerEntry {
    fn eq(&self, other: &Self) -> bool {
        let entry = |answer: &Self| answer.found.as_ref().map(|found| found.entry.clone());
        self.key == other.key && entry(self) == entry(other)
    }
}

impl Message for AnswerEntry {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        string::encode(KEY, &self.key, buf);
        let Some(found) = &self.found else { return };
        for (name, value) in found.fields() {
            encode_key(FIELDS, WireType::LengthDelimited, buf);
            encode_varint(item_len(name, value), buf);
            encode_text(ITEM_KEY, name, buf);
            encode_key(ITEM_VALUE, WireType::LengthDelimited, buf);
            encode_varint(value_len(value), buf);
            encode_value(value, buf);
        }
        message::encode(ORIGIN, &found.origin(), buf);
        message::encode(EXPIRE_TIME, &found.expire_time(), buf);
    }

    fn encoded_len(&self) -> usize {
        let key = string::encoded_len(KEY, &self.key);
        let Some(found) = &self.found else { return key };
        let item = |(name, value)| delimited_len(FIELDS, item_len(name, value));
        let fields = found.fields().map(item).sum::<u64>();
        key + usize::try_from(fields).unwrap_or(usize::MAX)
            + message::encoded_len(ORIGIN, &found.origin())
            + message::encoded_len(EXPIRE_TIME, &found.expire_time())
    }

    /// A server never reads one.
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, buf, context)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Found {
    /// The fields that the message had, by name.
    fn fields(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        let names = self.table.fields().iter().map(AsRef::as_ref);
        names.zip(self.entry.view().values()).filter_map(|(name, value)| Some((name, value?)))
    }

    fn origin(&self) -> Origin {
        wire_origin(self.entry.view().origin)
    }

    fn expire_time(&self) -> WireTimestamp {
        wire_time(self.entry.view().expires_at)
    }
}

/// Where an entry came from.
pub(super) fn wire_origin(origin: record::Origin) -> Origin {
    Origin {
        partition: origin.partition,
        offset: origin.offset,
        record_time: Some(wire_time(origin.time)),
    }
}

/// A length of time as protobuf counts it; none for one of more than it can count.
pub(super) fn wire_span(span: std::time::Duration) -> Option<prost_types::Duration> {
    span.try_into().ok()
}

/// A point in time as protobuf counts it.
pub(super) fn wire_time(time: Timestamp) -> WireTimestamp {
    let millis = time.as_millis();
    let nanos = millis.rem_euclid(1_000) * 1_000_000;
    WireTimestamp {
        seconds: millis.div_euclid(1_000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

fn item_len(name: &str, value: Value<'_>) -> u64 {
    delimited_len(ITEM_KEY, name.len() as u64) + delimited_len(ITEM_VALUE, value_len(value))
}

fn delimited_len(tag: u32, len: u64) -> u64 {
    (key_len(tag) + encoded_len_varint(len)) as u64 + len
}

/// Field numbers of `millpond.v1.Value`.
mod kind {
    pub(super) const NULL: u32 = 1;
    pub(super) const BOOL: u32 = 2;
    pub(super) const INT: u32 = 3;
    pub(super) const UINT: u32 = 4;
    pub(super) const DOUBLE: u32 = 5;
    pub(super) const STRING: u32 = 6;
    pub(super) const JSON: u32 = 7;
}

fn value_len(value: Value<'_>) -> u64 {
    let varint_len = |varint| (key_len(kind::NULL) + encoded_len_varint(varint)) as u64;
    match value {
        Value::Null | Value::Bool(_) => varint_len(0),
        Value::Int(int) => varint_len(int.cast_unsigned()),
        Value::Uint(uint) => varint_len(uint),
        Value::Double(_) => 1 + 8,
        Value::Text(text) | Value::Json(text) => delimited_len(kind::STRING, text.len() as u64),
    }
}

/// The one of a oneof is always written, even where it is its type's zero.
fn encode_value(value: Value<'_>, buf: &mut impl BufMut) {
    match value {
        Value::Null => encode_integer(kind::NULL, 0, buf),
        Value::Bool(bool) => encode_integer(kind::BOOL, u64::from(bool), buf),
        Value::Int(int) => encode_integer(kind::INT, int.cast_unsigned(), buf),
        Value::Uint(uint) => encode_integer(kind::UINT, uint, buf),
        Value::Double(double) => {
            encode_key(kind::DOUBLE, WireType::SixtyFourBit, buf);
            buf.put_f64_le(double);
        }
        Value::Text(text) => encode_text(kind::STRING, text, buf),
        Value::Json(json) => encode_text(kind::JSON, json, buf),
    }
}

fn encode_integer(tag: u32, integer: u64, buf: &mut impl BufMut) {
    encode_key(tag, WireType::Varint, buf);
    encode_varint(integer, buf);
}

fn encode_text(tag: u32, text: &str, buf: &mut impl BufMut) {
    encode_key(tag, WireType::LengthDelimited, buf);
    encode_varint(text.len() as u64, buf);
    buf.put_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::proto::v1;
    use crate::record::{FieldsBuffer, Origin};
    use crate::table::{MIN_CAPACITY_BYTES, Spec};

    fn answer(values: &[(&str, Option<Value<'_>>)]) -> AnswerEntry {
        let table = Table::new(Spec {
            name: "services".into(),
            fields: values.iter().map(|&(name, _)| name.into()).collect(),
            ttl: Duration::from_secs(1),
            capacity_bytes: MIN_CAPACITY_BYTES,
            store: crate::config::Store::Moka,
            account: crate::heap::Account::open().unwrap(),
        });
        let mut fields = FieldsBuffer::default();
        for &(_, value) in values {
            fields.push(value);
        }
        let origin = Origin { partition: 3, offset: 1 << 40, time: Timestamp::from_millis(-1_500) };
        let draft = record::Draft::new("a key", origin, Timestamp::from_millis(2_250), &fields);
        AnswerEntry::new("a key".into(), &Arc::new(table), draft.unwrap().entry().copy())
    }

    #[test]
    fn a_caller_decodes_what_the_table_holds() {
        let long = "x".repeat(70_000);
        let values = [
            ("absent", None),
            ("null", Some(Value::Null)),
            ("no", Some(Value::Bool(false))),
            ("yes", Some(Value::Bool(true))),
            ("least", Some(Value::Int(i64::MIN))),
            ("most", Some(Value::Uint(u64::MAX))),
            ("zero", Some(Value::Double(0.0))),
            ("empty", Some(Value::Text(""))),
            ("long", Some(Value::Text(&long))),
            ("json", Some(Value::Json("[1]"))),
        ];
        let answer = answer(&values);
        let bytes = answer.encode_to_vec();
        assert_eq!(bytes.len(), answer.encoded_len());

        let entry = v1::Entry::decode(bytes.as_slice()).unwrap();
        assert_eq!(entry.key, "a key");
        assert_eq!(entry.fields.len(), values.len() - 1, "the absent field is not there");
        for (name, value) in values {
            let kind = entry.fields.get(name).map(|value| value.kind.clone().unwrap());
            assert_eq!(kind, value.map(expected), "field {name}");
        }
        let origin = entry.origin.unwrap();
        assert_eq!((origin.partition, origin.offset), (3, 1 << 40));
        let time = origin.record_time.unwrap();
        assert_eq!((time.seconds, time.nanos), (-2, 500_000_000));
        let expiry = entry.expire_time.unwrap();
        assert_eq!((expiry.seconds, expiry.nanos), (2, 250_000_000));
    }

    fn expected(value: Value<'_>) -> v1::value::Kind {
        use v1::value::Kind;
        match value {
            Value::Null => Kind::NullValue(0),
            Value::Bool(bool) => Kind::BoolValue(bool),
            Value::Int(int) => Kind::IntValue(int),
            Value::Uint(uint) => Kind::UintValue(uint),
            Value::Double(double) => Kind::DoubleValue(double),
            Value::Text(text) => Kind::StringValue(text.into()),
            Value::Json(json) => Kind::JsonValue(json.into()),
        }
    }
}
