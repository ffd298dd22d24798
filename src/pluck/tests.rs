//! The behaviour of plucking, message by message. Properties are tested in `properties`.

mod conditions;
mod fields;
mod hostile;
mod keys;
mod memory;
mod rejected;
mod times;
mod tombstones;

use std::time::Duration;

use super::{Limits, Message, Plucked, Plucker, Scratch};
use crate::config::{KeySources, Life, Source};
use crate::record::{Draft, Key, Origin, Record, Reject, Timestamp, Value};

const LIMITS: Limits =
    Limits { max_document_bytes: 16 << 20, max_key_bytes: 1_024, max_values_bytes: 16 << 20 };

/// A plucker and the scratch memory of one thread.
struct TestPlucker {
    plucker: Plucker,
    scratch: Scratch,
}

/// A copy of what was plucked.
#[derive(Debug, PartialEq)]
enum Copied {
    Record(Record),
    Oversized(Key),
    Deletion(Key),
    Filtered,
}

impl Copied {
    fn of(plucked: Plucked<'_>) -> Self {
        let oversized = |draft: Draft<'_>| Self::Oversized(Key::copy_of(draft.key()).unwrap());
        match plucked {
            Plucked::Record(draft) if draft.is_oversized() => oversized(draft),
            Plucked::Record(draft) => Self::Record(draft.copy()),
            Plucked::Deletion(deletion) => Self::Deletion(deletion.key.copy()),
            Plucked::Filtered => Self::Filtered,
        }
    }
}

impl TestPlucker {
    fn pluck(&mut self, message: &Message<'_>) -> Result<Copied, Reject> {
        let plucked = self.plucker.pluck(message, &mut self.scratch);
        plucked.map(Copied::of).map_err(|rejected| rejected.reason)
    }

    /// Plucks a message that is rejected: the reason, and the key of the entry that is out of date.
    fn reject(&mut self, message: &Message<'_>) -> (Reject, Option<Key>) {
        let rejected = self.plucker.pluck(message, &mut self.scratch).unwrap_err();
        (rejected.reason, rejected.outdated.map(|deletion| deletion.key.copy()))
    }

    fn scratch_bytes(&self) -> usize {
        self.scratch.held_bytes()
    }
}

/// A plucker of these sources, spelt as in a configuration.
fn plucker(key: &str, fields: &[&str]) -> TestPlucker {
    plucker_within(LIMITS, key, fields)
}

fn plucker_within(limits: Limits, key: &str, fields: &[&str]) -> TestPlucker {
    plucker_of(&source(key).into(), fields, &Life::from_record(TTL), limits)
}

fn plucker_of(key: &KeySources, fields: &[&str], life: &Life, limits: Limits) -> TestPlucker {
    let fields: Vec<Source> = fields.iter().map(|field| source(field)).collect();
    let plucker = Plucker::new(key, &fields, life, limits);
    TestPlucker { plucker, scratch: Scratch::new() }
}

fn source(text: &str) -> Source {
    text.parse().unwrap()
}

const TTL: Duration = Duration::from_secs(1);
/// When the entry of a test's message expires.
const EXPIRY: Timestamp = Timestamp::from_millis(NOON + 1_000);
/// The time of a test's message and of its arrival.
const NOON: i64 = 1_700_000_000_000;

/// A message with this payload, without a key or headers.
fn message(payload: &[u8]) -> Message<'_> {
    Message {
        key: None,
        payload: Some(payload),
        header: &|_| None,
        origin: Origin { partition: 3, offset: 42, time: Timestamp::from_millis(NOON) },
        now: Timestamp::from_millis(NOON),
        now_elsewhere: Timestamp::from_millis(NOON),
    }
}

fn record(plucked: Result<Copied, Reject>) -> Result<Record, Reject> {
    plucked.map(|plucked| match plucked {
        Copied::Record(record) => record,
        Copied::Oversized(key) => panic!("oversized for {key:?}"),
        Copied::Deletion(key) => panic!("a deletion of {key:?}"),
        Copied::Filtered => panic!("it does not count"),
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
