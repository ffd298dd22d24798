//! Answers as they are written: from where an entry lies in the table, with nothing between.
//!
//! What is written here has to agree with `proto/millpond/v1/lookup.proto` in every field
//! number. Lengths come before what they are the length of, so an entry is walked twice.

mod value;

use prost::Message;
use prost::encoding::{WireType, encoded_len_varint, key_len};
use prost_types::Timestamp as WireTimestamp;

use super::in_flight::Parcel;
use crate::proto::server::{AsOf, Miss, Origin};
use crate::record::{self, EntryView, Timestamp, Value};

/// Field numbers of `GetResponse` and of `BatchGetResult`; they agree.
mod outcome {
    pub(super) const ENTRY: u32 = 1;
    pub(super) const MISS: u32 = 2;
}
/// Of `GetResponse`.
const AS_OF: u32 = 3;
/// Of `BatchGetResponse`.
mod batch {
    pub(super) const RESULTS: u32 = 1;
    pub(super) const AS_OF: u32 = 2;
}
/// Of `Entry`.
mod entry {
    pub(super) const KEY: u32 = 1;
    pub(super) const FIELDS: u32 = 2;
    pub(super) const ORIGIN: u32 = 3;
    pub(super) const EXPIRE_TIME: u32 = 4;
}
/// Of an item of any protobuf map.
mod item {
    pub(super) const KEY: u32 = 1;
    pub(super) const VALUE: u32 = 2;
}

/// What a lookup came to.
pub(super) enum Outcome<'a> {
    Entry(FoundEntry<'a>),
    Miss(Miss),
}

impl Outcome<'_> {
    /// Bytes that it takes as a result of a batch.
    pub(super) fn result_len(&self) -> usize {
        field_len(batch::RESULTS, self.len())
    }

    /// Writes the answer to a question for one key.
    pub(super) fn put_alone(&self, as_of: &AsOf, parcel: &mut Parcel) {
        self.put(parcel);
        parcel.put_field(AS_OF, as_of);
    }

    /// Writes it as a result of a batch.
    pub(super) fn put_result(&self, parcel: &mut Parcel) {
        parcel.put_head(batch::RESULTS, WireType::LengthDelimited, self.len() as u64);
        self.put(parcel);
    }

    fn len(&self) -> usize {
        match self {
            Self::Entry(found) => field_len(outcome::ENTRY, found.encoded_len),
            Self::Miss(miss) => field_len(outcome::MISS, miss.encoded_len()),
        }
    }

    fn put(&self, parcel: &mut Parcel) {
        match self {
            Self::Entry(found) => {
                let len = found.encoded_len as u64;
                parcel.put_head(outcome::ENTRY, WireType::LengthDelimited, len);
                found.put(parcel);
            }
            Self::Miss(miss) => parcel.put_field(outcome::MISS, miss),
        }
    }
}

/// Bytes that the state takes in a batch's answer.
pub(super) fn batch_state_len(as_of: &AsOf) -> usize {
    field_len(batch::AS_OF, as_of.encoded_len())
}

/// Writes the state that a batch's answer ends with.
pub(super) fn put_batch_state(as_of: &AsOf, parcel: &mut Parcel) {
    parcel.put_field(batch::AS_OF, as_of);
}

/// An entry as it lies in a table, with what is needed to write it.
pub(super) struct FoundEntry<'a> {
    key: &'a str,
    names: &'a [Box<str>],
    entry: EntryView<'a>,
    origin: Origin,
    expire_time: WireTimestamp,
    encoded_len: usize,
}

impl<'a> FoundEntry<'a> {
    /// The entry under `key` of a table with fields of these names.
    pub(super) fn new(key: &'a str, names: &'a [Box<str>], entry: EntryView<'a>) -> Self {
        let (origin, expire_time) = (wire_origin(entry.origin), wire_time(entry.expires_at));
        let mut found = Self { key, names, entry, origin, expire_time, encoded_len: 0 };
        let fields = found.fields();
        let fields = fields.map(|(name, value)| field_len(entry::FIELDS, item_len(name, value)));
        found.encoded_len = field_len(entry::KEY, key.len())
            + fields.sum::<usize>()
            + field_len(entry::ORIGIN, found.origin.encoded_len())
            + field_len(entry::EXPIRE_TIME, found.expire_time.encoded_len());
        found
    }

    fn put(&self, parcel: &mut Parcel) {
        parcel.put_text(entry::KEY, self.key);
        for (name, value) in self.fields() {
            let item_len = item_len(name, value) as u64;
            parcel.put_head(entry::FIELDS, WireType::LengthDelimited, item_len);
            parcel.put_text(item::KEY, name);
            let value_len = value::len(value) as u64;
            parcel.put_head(item::VALUE, WireType::LengthDelimited, value_len);
            value::put(value, parcel);
        }
        parcel.put_field(entry::ORIGIN, &self.origin);
        parcel.put_field(entry::EXPIRE_TIME, &self.expire_time);
    }

    /// The fields that the message had, by name.
    fn fields(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let names = self.names.iter().map(AsRef::as_ref);
        names.zip(self.entry.values()).filter_map(|(name, value)| Some((name, value?)))
    }
}

fn item_len(name: &str, value: Value<'_>) -> usize {
    field_len(item::KEY, name.len()) + field_len(item::VALUE, value::len(value))
}

/// Bytes of a field with so many bytes in it: its number, its length and these.
fn field_len(tag: u32, len: usize) -> usize {
    key_len(tag) + encoded_len_varint(len as u64) + len
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

#[cfg(test)]
mod tests;
