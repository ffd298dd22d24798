//! What a lookup allocates and counts.

use std::time::Duration;

use prost::Message;
use prost::bytes::Bytes;

use super::*;
use crate::heap::{Account, allocated_by_thread};
use crate::proto::v1;
use crate::record::{Draft, FieldsBuffer, KeyRef, Origin, Value};
use crate::rpc::in_flight::{ample, written};
use crate::table::{MIN_CAPACITY_BYTES, Spec};

/// Of every two keys, the first is there.
fn table() -> Table {
    let table = Table::new(Spec {
        name: "services".into(),
        fields: vec!["description".into(), "absent".into()],
        ttl: Duration::from_secs(3600),
        capacity_bytes: MIN_CAPACITY_BYTES,
        store: crate::config::Store::Compact,
        account: Account::open().unwrap(),
    });
    let now = Timestamp::now();
    let mut fields = FieldsBuffer::default();
    fields.push(Some(Value::Text("what a service is there for")));
    fields.push(None);
    for n in (0..MAX_BATCH_KEYS).step_by(2) {
        let origin = Origin { partition: 0, offset: 0, time: now };
        let expires_at = table.expiry_of(now, now);
        let key = key(n);
        let key = KeyRef::new(&key).unwrap();
        table.insert(Draft::new(key, origin, expires_at, &fields), now);
    }
    table
}

fn key(n: usize) -> String {
    format!("a-service-with-a-name-of-some-length-{n:04}")
}

fn question(keys: usize) -> Bytes {
    let keys = (0..keys).map(key).collect();
    let question = v1::BatchGetRequest { table: "services".into(), keys, ..Default::default() };
    question.encode_to_vec().into()
}

fn asked(table: &Table, look: Look) -> Asked<'_> {
    let state = State { is_ready: true, staleness: None };
    Asked { table, state, now: Timestamp::now(), look }
}

/// What `work` allocates on this thread, in bytes, and what it gives.
fn allocating<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = allocated_by_thread();
    let done = work();
    (usize::try_from(allocated_by_thread() - before).unwrap(), done)
}

#[test]
fn a_batch_allocates_for_no_key_alone() {
    let table = table();
    let question = question(MAX_BATCH_KEYS);
    let question_bytes = question.len();
    let (bytes, question) = allocating(|| BatchGetRequest::decode(question).unwrap());
    // Its text, rounded up, and the ends of a thousand keys in a buffer that doubles.
    assert!(bytes < question_bytes * 5 / 4 + (20 << 10), "{bytes} B for {question_bytes} B");

    let (bytes, ()) = allocating(|| {
        let faults = faults(&question, key_count(&question.key)).chain(empty(&question.key));
        validate(faults).unwrap();
    });
    assert!(bytes < 1 << 10, "{bytes} B to find nothing wrong");

    let (bytes, answer_bytes) = allocating(|| {
        let look_up = |parcel: &mut Parcel| {
            asked(&table, Look::First).batch(&question.key, parcel).unwrap();
        };
        ample(look_up).message_bytes()
    });
    // Its pieces, of which the first doubles and the last is not full, and their list.
    assert!(bytes < answer_bytes + (20 << 10), "{bytes} B for {answer_bytes} B");
}

#[test]
fn a_call_counts_each_key_once_however_often_it_looks() {
    let table = table();
    let keys = BatchGetRequest::decode(question(10)).unwrap().key;
    for look in [Look::First, Look::Again, Look::Again] {
        let answer = written(|parcel| asked(&table, look).batch(&keys, parcel).unwrap());
        let answer = v1::BatchGetResponse::decode(answer.as_slice()).unwrap();
        assert_eq!(answer.results.len(), 10);
        written(|parcel| asked(&table, look).one("nobody", parcel));
    }
    let stats = table.stats();
    assert_eq!((stats.hit_count, stats.miss_count), (5, 6));
}
