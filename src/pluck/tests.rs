//! What plucking promises, message by message; the properties are beside this.

mod fields;
mod hostile;
mod keys;

use super::{Limits, Message, Plucked, Plucker};
use crate::config::Source;
use crate::record::{Key, Origin, Record, Reject, Timestamp, Value};

const LIMITS: Limits = Limits { max_document_bytes: 16 << 20, max_key_bytes: 1_024 };

/// A plucker of these sources, as they are written in a configuration.
fn plucker(key: &str, fields: &[&str]) -> Plucker {
    let fields: Vec<Source> = fields.iter().map(|field| field.parse().unwrap()).collect();
    Plucker::new(&key.parse().unwrap(), &fields, LIMITS)
}

/// A message of this payload with nothing around it.
fn message(payload: &[u8]) -> Message<'_> {
    Message {
        key: None,
        payload: Some(payload),
        header: &|_| None,
        origin: Origin { partition: 3, offset: 42, time: Timestamp::from_millis(1_000) },
        expires_at: Timestamp::from_millis(2_000),
    }
}

fn record(plucked: Result<Plucked, Reject>) -> Result<Record, Reject> {
    plucked.map(|plucked| match plucked {
        Plucked::Record(record) => record,
        Plucked::Tombstone(key) => panic!("a tombstone for {key:?}"),
    })
}

/// The key that `/id` gives in this document.
fn key_in(document: &str) -> Result<Key, Reject> {
    let plucked = plucker("/id", &[]).pluck(&message(document.as_bytes()));
    record(plucked).map(|record| record.key)
}

/// Asserts what `pointer` gives in this document.
fn assert_field(document: &str, pointer: &str, expected: Option<Value<'_>>) {
    let message = Message { key: Some(b"k"), ..message(document.as_bytes()) };
    let record = record(plucker("@key", &[pointer]).pluck(&message)).unwrap();
    let values: Vec<_> = record.entry.values().collect();
    assert_eq!(values, [expected], "{pointer} in {document}");
}
