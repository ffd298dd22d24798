//! How much a lookup allocates, and that it is counted once.

use std::time::Duration;

use prost::Message;
use prost::bytes::Bytes;

use super::*;
use crate::clock::Clock;
use crate::heap::{Account, allocated_by_thread};
use crate::proto::v1::lookup_result::Outcome;
use crate::proto::v1::{self, BatchGetResponse};
use crate::record::{Draft, FieldsBuffer, KeyRef, Origin, RankedBy, Value};
use crate::rpc::response::{buffered, encoded};
use crate::table::{MIN_CAPACITY_BYTES, Spec};

/// Holds every other key.
fn table() -> Table {
    let table = Table::new(Spec {
        name: "services".into(),
        fields: vec!["description".into(), "absent".into()],
        ttl: Duration::from_secs(3600),
        ranked_by: RankedBy::Time,
        capacity_bytes: MIN_CAPACITY_BYTES,
        store: crate::config::Store::Compact,
        changes_bytes: 0,
        account: Account::open().unwrap(),
        clock: Clock::start(),
    });
    let now = Timestamp::now();
    let mut fields = FieldsBuffer::default();
    fields.push(Some(Value::Text("what a service is there for")));
    fields.push(None);
    for n in (0..MAX_BATCH_KEYS).step_by(2) {
        let origin = Origin { partition: 0, offset: 0, time: now };
        let expires_at = now.plus(Duration::from_secs(3600));
        let key = key(n);
        let key = KeyRef::new(&key).unwrap();
        table.insert(Draft::new(key, origin, expires_at, &fields), now);
    }
    table
}

fn key(n: usize) -> String {
    format!("a-service-with-a-name-of-some-length-{n:04}")
}

fn request(keys: usize) -> Bytes {
    let keys = (0..keys).map(key).collect();
    let request = v1::BatchGetRequest { table: "services".into(), keys, ..Default::default() };
    request.encode_to_vec().into()
}

fn lookup(table: &Table, attempt: Attempt) -> TableLookup<'_> {
    let state = TableState { is_ready: true, staleness: None };
    TableLookup { table, mask: &ALL_FIELDS, state, now: table.now(), attempt }
}

const ALL_FIELDS: FieldMask = FieldMask::ALL;

fn batch(table: &Table, attempt: Attempt, keys: &Texts, limit_bytes: usize) -> BatchGetResponse {
    let lookup = lookup(table, attempt);
    let response = encoded(|buffer| lookup.batch_get(keys, limit_bytes, buffer));
    assert!(response.len() <= limit_bytes.max(2_500), "{} bytes", response.len());
    BatchGetResponse::decode(response.as_slice()).unwrap()
}

/// The bytes that `work` allocates on this thread, and its result.
fn allocating<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = allocated_by_thread();
    let done = work();
    (usize::try_from(allocated_by_thread() - before).unwrap(), done)
}

#[test]
fn a_batch_allocates_nothing_for_a_single_key() {
    let table = table();
    let request = request(MAX_BATCH_KEYS);
    let request_bytes = request.len();
    let (bytes, request) = allocating(|| BatchGetRequest::decode(request).unwrap());
    // The text, rounded up, and the ends of a thousand keys in a vector that doubles.
    assert!(bytes < request_bytes * 5 / 4 + (20 << 10), "{bytes} B for {request_bytes} B");

    let (bytes, ()) = allocating(|| {
        validate(violations(&request, key_violations(&request.key))).unwrap();
    });
    assert!(bytes < 1 << 10, "{bytes} B to find no violation");

    let (bytes, response_bytes) = allocating(|| {
        let look_up = |buffer: &mut ResponseBuffer| {
            lookup(&table, Attempt::First).batch_get(&request.key, MAX_RESPONSE_BYTES, buffer);
        };
        buffered(look_up).message_bytes()
    });
    // The list of pieces, and the pieces: the first doubles and the last is not full.
    assert!(bytes < response_bytes + (20 << 10), "{bytes} B for {response_bytes} B");
}

#[test]
fn a_call_counts_each_key_once_however_often_it_retries() {
    let table = table();
    let keys = BatchGetRequest::decode(request(10)).unwrap().key;
    for attempt in [Attempt::First, Attempt::Retry, Attempt::Retry] {
        let response = batch(&table, attempt, &keys, MAX_RESPONSE_BYTES);
        assert_eq!(response.results.len(), 10);
        encoded(|buffer| {
            lookup(&table, attempt)
                .get("nobody", |outcome, as_of| outcome.put_get_response(as_of, buffer));
        });
    }
    let stats = table.stats();
    assert_eq!((stats.hit_count, stats.miss_count), (5, 6));
}

#[test]
fn keys_that_do_not_fit_are_deferred_and_answered_by_the_calls_that_follow() {
    let table = table();
    for limit_bytes in [0, 2_500, 10_000, 50_000, MAX_RESPONSE_BYTES] {
        let mut open: Vec<usize> = (0..MAX_BATCH_KEYS).collect();
        let mut found = vec![false; MAX_BATCH_KEYS];
        while !open.is_empty() {
            let mut keys = Texts::default();
            for &n in &open {
                keys.push(&key(n), 0);
            }
            let response = batch(&table, Attempt::First, &keys, limit_bytes);
            assert!(!response.results.is_empty(), "one key is always answered");
            for (&n, result) in open.iter().zip(&response.results) {
                found[n] = matches!(result.outcome, Some(Outcome::Entry(_)));
            }
            let next = response.deferred.iter().map(|&at| open[usize::try_from(at).unwrap()]);
            assert_eq!(response.results.len() + response.deferred.len(), open.len());
            open = next.collect();
        }
        assert!((0..MAX_BATCH_KEYS).all(|n| found[n] == n.is_multiple_of(2)), "{limit_bytes}");
    }
    let stats = table.stats();
    assert_eq!((stats.hit_count, stats.miss_count), (2_500, 2_500), "deferred keys do not count");
}
