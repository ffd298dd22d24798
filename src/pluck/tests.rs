//! What plucking promises, message by message; the properties are beside this.

mod conditions;
mod fields;
mod hostile;
mod keys;
mod memory;
pub(super) mod shapes;

use super::{Limits, Message, Plucked, Plucker, Scratch};
use crate::config::Source;
use crate::record::{Key, Origin, Record, Reject, Timestamp, Value};

const LIMITS: Limits =
    Limits { max_document_bytes: 16 << 20, max_key_bytes: 1_024, max_values_bytes: 16 << 20 };

/// A plucker and the scratch memory of one thread.
struct Desk {
    plucker: Plucker,
    scratch: Scratch,
}

impl Desk {
    fn pluck(&mut self, message: &Message<'_>) -> Result<Plucked<Record>, Reject> {
        self.plucker.pluck(message, &mut self.scratch, |draft| draft.copy())
    }

    fn scratch_bytes(&self) -> usize {
        self.scratch.held_bytes()
    }
}

/// A plucker of these sources, as they are written in a configuration.
fn plucker(key: &str, fields: &[&str]) -> Desk {
    plucker_within(LIMITS, key, fields)
}

fn plucker_within(limits: Limits, key: &str, fields: &[&str]) -> Desk {
    let fields: Vec<Source> = fields.iter().map(|field| field.parse().unwrap()).collect();
    let plucker = Plucker::new(&key.parse().unwrap(), &fields, limits);
    Desk { plucker, scratch: Scratch::new() }
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

fn record(plucked: Result<Plucked<Record>, Reject>) -> Result<Record, Reject> {
    plucked.map(|plucked| match plucked {
        Plucked::Record(record) => record,
        Plucked::Tombstone(key) => panic!("a tombstone for {key:?}"),
        Plucked::TooLarge(key) => panic!("too large for {key:?}"),
        Plucked::Filtered => panic!("it does not count"),
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
    let values: Vec<_> = record.entry.view().values().collect();
    assert_eq!(values, [expected], "{pointer} in {document}");
}
