//! A field's value, as `millpond.v1.Value`.

use prost::encoding::{WireType, encoded_len_varint, key_len};

use super::field_len;
use crate::record::Value;
use crate::rpc::in_flight::Parcel;

/// Field numbers.
mod kind {
    pub(super) const NULL: u32 = 1;
    pub(super) const BOOL: u32 = 2;
    pub(super) const INT: u32 = 3;
    pub(super) const UINT: u32 = 4;
    pub(super) const DOUBLE: u32 = 5;
    pub(super) const STRING: u32 = 6;
    pub(super) const JSON: u32 = 7;
}

pub(super) fn len(value: Value<'_>) -> usize {
    let integer_len = |integer| key_len(kind::INT) + encoded_len_varint(integer);
    match value {
        Value::Null | Value::Bool(_) => integer_len(0),
        Value::Int(int) => integer_len(int.cast_unsigned()),
        Value::Uint(uint) => integer_len(uint),
        Value::Double(double) => key_len(kind::DOUBLE) + size_of_val(&double),
        Value::Text(text) | Value::Json(text) => field_len(kind::STRING, text.len()),
    }
}

/// The one of a oneof is always written, even where it is its type's zero.
pub(super) fn put(value: Value<'_>, parcel: &mut Parcel) {
    let mut put_integer = |tag, integer| parcel.put_head(tag, WireType::Varint, integer);
    match value {
        Value::Null => put_integer(kind::NULL, 0),
        Value::Bool(bool) => put_integer(kind::BOOL, u64::from(bool)),
        Value::Int(int) => put_integer(kind::INT, int.cast_unsigned()),
        Value::Uint(uint) => put_integer(kind::UINT, uint),
        Value::Double(double) => parcel.put_double(kind::DOUBLE, double),
        Value::Text(text) => parcel.put_text(kind::STRING, text),
        Value::Json(json) => parcel.put_text(kind::JSON, json),
    }
}
