//! The requests of lookups, decoded with a few allocations whatever the number of keys.
//!
//! The server uses these types in place of the generated `GetRequest` and `BatchGetRequest`. They
//! have the field numbers of `proto/millpond/v1/lookup.proto`, and accept and refuse exactly the
//! bytes that the generated types do. Keys over the limit are counted but not kept, so a
//! request takes no more memory than its own size.

use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{
    DecodeContext, WireType, bool, bytes, check_wire_type, message, skip_field, string,
};
use prost::{DecodeError, Message};

use super::freshness::{Freshness, MAX_POSITIONS};
use crate::proto::v1::PartitionOffset;

/// Most keys in one batch. Stated in the protocol.
pub const MAX_BATCH_KEYS: usize = 1_000;

/// Asks a table for one key.
pub type GetRequest = LookupRequest<String>;
/// Asks a table for many keys.
pub type BatchGetRequest = LookupRequest<Keys>;

/// Asks a table for one key or for many.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LookupRequest<K> {
    pub(super) table: String,
    /// The one key, or all keys.
    pub(super) key: K,
    pub(super) freshness: Freshness,
}

/// The field with the key, or with the keys.
pub trait KeyField: Default + Send + Sync {
    /// Names of the message and of its field, for errors.
    const NAMES: (&'static str, &'static str);

    /// Merges one occurrence of the field.
    ///
    /// # Errors
    ///
    /// When the occurrence is not a string in UTF-8.
    fn merge_key(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError>;
}

impl<K: KeyField> Message for LookupRequest<K> {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let Freshness { require_ready, max_staleness, min_positions } = &mut self.freshness;
        let (name, merged) = match tag {
            1 => ("table", string::merge(wire_type, &mut self.table, buf, context)),
            2 => (K::NAMES.1, self.key.merge_key(wire_type, buf, context)),
            3 => ("require_ready", bool::merge(wire_type, require_ready, buf, context)),
            4 => {
                let span = max_staleness.get_or_insert_default();
                ("max_staleness", message::merge(wire_type, span, buf, context))
            }
            5 => ("min_positions", merge_position(wire_type, min_positions, buf, context)),
            _ => return skip_field(wire_type, tag, buf, context),
        };
        merged.map_err(|mut error| {
            error.push(K::NAMES.0, name);
            error
        })
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes nothing: a server only reads requests.
    fn encode_raw(&self, _: &mut impl BufMut) {}

    fn encoded_len(&self) -> usize {
        0
    }
}

fn merge_position(
    wire_type: WireType,
    positions: &mut Vec<PartitionOffset>,
    buf: &mut impl Buf,
    context: DecodeContext,
) -> Result<(), DecodeError> {
    let mut position = PartitionOffset::default();
    check_wire_type(WireType::LengthDelimited, wire_type)?;
    message::merge(wire_type, &mut position, buf, context)?;
    if positions.len() <= MAX_POSITIONS {
        positions.push(position);
    }
    Ok(())
}

impl KeyField for String {
    const NAMES: (&'static str, &'static str) = ("GetRequest", "key");

    fn merge_key(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        string::merge(wire_type, self, buf, context)
    }
}

/// The keys of a batch, in the order of the request: one text, and where in it each key ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    text: String,
    ends: Vec<usize>,
    count: usize,
}

impl Keys {
    /// The number of keys in the request, including those over the limit.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The keys that were kept: the first [`MAX_BATCH_KEYS`].
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let key = self.text.get(start..end).unwrap_or_default();
            start = end;
            key
        })
    }

    fn push(&mut self, key: &str, rest_bytes: usize) {
        self.count += 1;
        if self.ends.len() < MAX_BATCH_KEYS {
            if self.text.capacity() == 0 {
                // The keys still to come are no longer than the rest of the request.
                self.text.reserve_exact(key.len() + rest_bytes);
            }
            self.text.push_str(key);
            self.ends.push(self.text.len());
        }
    }
}

impl KeyField for Keys {
    const NAMES: (&'static str, &'static str) = ("BatchGetRequest", "keys");

    fn merge_key(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        // Shares the request's buffer: no copy.
        let mut key = Bytes::new();
        bytes::merge(wire_type, &mut key, buf, context.clone())?;
        match std::str::from_utf8(&key) {
            Ok(key) => self.push(key, buf.remaining()),
            // Fails like any string field. prost makes that error only when it decodes one.
            Err(_) => string::merge(wire_type, &mut String::new(), &mut &*NOT_UTF8, context)?,
        }
        Ok(())
    }
}

/// A string field of one byte that is not UTF-8, with its length before it.
const NOT_UTF8: &[u8] = &[1, 0xff];

#[cfg(test)]
mod tests;
