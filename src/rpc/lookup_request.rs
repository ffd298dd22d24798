//! The requests of lookups, decoded with a few allocations whatever the number of keys.
//!
//! The server uses these types in place of the generated `GetRequest` and `BatchGetRequest`. They
//! have the field numbers of `proto/millpond/v1/lookup.proto`, and accept and refuse exactly the
//! bytes that the generated types do. Keys over the limit are counted but not kept, so a
//! request takes no more memory than its own size.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, message, skip_field, string};
use prost::{DecodeError, Message};

use super::freshness::Freshness;
use super::texts::{MAX_TEXTS, Texts};
use crate::proto::v1::PartitionOffset;

/// Most keys in one batch. Stated in the protocol.
pub const MAX_BATCH_KEYS: usize = MAX_TEXTS;

/// Asks a table for one key.
pub(super) type GetRequest = LookupRequest<String>;
/// Asks a table for many keys.
pub(super) type BatchGetRequest = LookupRequest<Texts>;

/// Asks a table for one key or for many.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LookupRequest<K> {
    pub(super) table: String,
    /// The one key, or all keys.
    pub(super) key: K,
    pub(super) freshness: Freshness,
    /// The names of the wanted fields; all fields if there are none.
    pub(super) fields: Texts,
}

/// The field with the key, or with the keys.
pub(super) trait KeyField: Default + Send + Sync {
    /// Names of the message and of its field, for errors.
    const NAMES: (&'static str, &'static str);

    /// What the key, or the keys, take in memory.
    fn held_bytes(&self) -> usize;

    /// How many there are.
    fn key_count(&self) -> usize;

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

impl<K: KeyField> LookupRequest<K> {
    /// What the request takes in memory.
    pub(super) fn held_bytes(&self) -> usize {
        let positions_bytes =
            self.freshness.min_positions.capacity() * size_of::<PartitionOffset>();
        let texts_bytes = self.key.held_bytes() + self.fields.held_bytes();
        self.table.capacity() + texts_bytes + positions_bytes
    }
}

impl<K: KeyField> Message for LookupRequest<K> {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let (name, merged) = match tag {
            1 => ("table", string::merge(wire_type, &mut self.table, buf, context)),
            2 => (K::NAMES.1, self.key.merge_key(wire_type, buf, context)),
            3 => ("freshness", message::merge(wire_type, &mut self.freshness, buf, context)),
            4 => ("fields", self.fields.merge_item(wire_type, buf, context)),
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

impl KeyField for String {
    const NAMES: (&'static str, &'static str) = ("GetRequest", "key");

    fn held_bytes(&self) -> usize {
        self.capacity()
    }

    fn key_count(&self) -> usize {
        1
    }

    fn merge_key(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        string::merge(wire_type, self, buf, context)
    }
}

impl KeyField for Texts {
    const NAMES: (&'static str, &'static str) = ("BatchGetRequest", "keys");

    fn held_bytes(&self) -> usize {
        Texts::held_bytes(self)
    }

    fn key_count(&self) -> usize {
        self.count()
    }

    fn merge_key(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        self.merge_item(wire_type, buf, context)
    }
}

#[cfg(test)]
mod tests;
