//! Requests are accepted and refused exactly as the generated messages are.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::proto::v1::{self, PartitionOffset};
use crate::rpc::freshness::MAX_POSITIONS;

/// Compares what is decoded, or the error, with what the generated message decodes.
fn assert_same_batch(bytes: &[u8]) {
    let decoded = (BatchGetRequest::decode(bytes), v1::BatchGetRequest::decode(bytes));
    assert_alike(decoded, |ours, theirs| {
        assert_eq!(ours.key.count(), theirs.keys.len());
        assert!(ours.key.iter().eq(theirs.keys.iter().take(MAX_BATCH_KEYS)));
        assert_same(&ours, &theirs.table, theirs.freshness, &theirs.fields);
    });
}

fn assert_same_get(bytes: &[u8]) {
    let decoded = (GetRequest::decode(bytes), v1::GetRequest::decode(bytes));
    assert_alike(decoded, |ours, theirs| {
        assert_eq!(ours.key, theirs.key);
        assert_same(&ours, &theirs.table, theirs.freshness, &theirs.fields);
    });
}

/// Both are accepted and `assert_same`, or both are refused with the same error.
fn assert_alike<O: Debug, T: Debug>(
    decoded: (Result<O, DecodeError>, Result<T, DecodeError>),
    assert_same: impl FnOnce(O, T),
) {
    match decoded {
        (Ok(ours), Ok(theirs)) => assert_same(ours, theirs),
        (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
        (ours, theirs) => panic!("{ours:?} and {theirs:?}"),
    }
}

fn assert_same<K>(
    ours: &LookupRequest<K>,
    table: &String,
    freshness: Option<v1::Freshness>,
    fields: &[String],
) {
    let mut freshness = freshness.unwrap_or_default();
    freshness.min_positions.truncate(MAX_POSITIONS + 1);
    assert_eq!((&ours.table, &ours.freshness), (table, &freshness.into()));
    assert_eq!(ours.fields.count(), fields.len());
    assert!(ours.fields.iter().eq(fields.iter().take(MAX_TEXTS)));
}

fn positions() -> impl Strategy<Value = Vec<PartitionOffset>> {
    let position = |(partition, offset)| PartitionOffset { partition, offset };
    vec(any::<(i32, i64)>().prop_map(position), 0..4)
}

fn spans() -> impl Strategy<Value = Option<prost_types::Duration>> {
    let span = |(seconds, nanos)| prost_types::Duration { seconds, nanos };
    proptest::option::of(any::<(i64, i32)>().prop_map(span))
}

prop_compose! {
    fn demands()(
        require_ready in any::<bool>(),
        max_staleness in spans(),
        min_positions in positions(),
    ) -> v1::Freshness {
        v1::Freshness { require_ready, max_staleness, min_positions }
    }
}

prop_compose! {
    fn batches()(
        table in any::<String>(),
        keys in vec(any::<String>(), 0..20),
        freshness in proptest::option::of(demands()),
        fields in vec(any::<String>(), 0..4),
    ) -> v1::BatchGetRequest {
        v1::BatchGetRequest { table, keys, freshness, fields }
    }
}

prop_compose! {
    fn gets()(
        table in any::<String>(),
        key in any::<String>(),
        freshness in proptest::option::of(demands()),
        fields in vec(any::<String>(), 0..4),
    ) -> v1::GetRequest {
        v1::GetRequest { table, key, freshness, fields }
    }
}

proptest! {
    #[test]
    fn a_request_is_decoded_as_the_caller_wrote_it(
        batch in batches(), other in batches(), get in gets(), cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = batch.encode_to_vec();
        assert_same_batch(&bytes);
        assert_same_batch(&bytes[..cut.index(bytes.len() + 1)]);
        // Merged: fields come in any order, and more than once.
        bytes.extend(other.encode_to_vec());
        assert_same_batch(&bytes);
        assert_same_get(&get.encode_to_vec());
    }

    #[test]
    fn a_corrupt_request_is_refused_with_the_same_error(
        batch in batches(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = batch.encode_to_vec();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        assert_same_batch(&bytes);
        assert_same_get(&bytes);
    }

    #[test]
    fn garbage_is_accepted_or_refused_and_never_panics(bytes in vec(any::<u8>(), 0..64)) {
        assert_same_batch(&bytes);
        assert_same_get(&bytes);
    }

    #[test]
    fn fields_of_any_type_are_accepted_or_refused_alike(
        fields in vec((1..8_u8, 0..8_u8, vec(any::<u8>(), 0..6)), 0..6),
    ) {
        let field = |(tag, wire_type, rest): &(u8, u8, Vec<u8>)| {
            let mut field = vec![tag << 3 | wire_type];
            field.extend(rest);
            field
        };
        let bytes: Vec<u8> = fields.iter().flat_map(field).collect();
        assert_same_batch(&bytes);
        assert_same_get(&bytes);
    }
}

#[test]
fn keys_and_positions_over_the_limit_are_counted_and_not_kept() {
    let key = |n: usize| if n.is_multiple_of(3) { String::new() } else { format!("key-{n}") };
    let position = PartitionOffset { partition: 1, offset: 2 };
    let batch = v1::BatchGetRequest {
        keys: (0..3 * MAX_BATCH_KEYS).map(key).collect(),
        freshness: Some(v1::Freshness {
            min_positions: vec![position; 3 * MAX_POSITIONS],
            ..Default::default()
        }),
        fields: vec![String::new(); 3 * MAX_TEXTS],
        table: String::new(),
    };
    let bytes = batch.encode_to_vec();
    assert_same_batch(&bytes);
    let ours = BatchGetRequest::decode(bytes.as_slice()).unwrap();
    assert_eq!(ours.key.count(), 3 * MAX_BATCH_KEYS);
    assert_eq!(ours.key.iter().count(), MAX_BATCH_KEYS);
    assert_eq!(ours.freshness.min_positions.len(), MAX_POSITIONS + 1);
}
