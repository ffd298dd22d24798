//! Callers decode what the table holds.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::proto::v1;
use crate::proto::v1::lookup_result::Outcome;
use crate::proto::v1::value::Kind;
use crate::record::{self, FieldsBuffer, Timestamp};
use crate::rpc::convert::to_duration;
use crate::rpc::response::encoded;
use crate::rpc::texts::Texts;

const ORIGIN: record::Origin =
    record::Origin { partition: 3, offset: 1 << 40, time: Timestamp::from_millis(-1_500) };

fn as_of() -> AsOf {
    let staleness = to_duration(std::time::Duration::from_millis(1_250));
    AsOf {
        ready: true,
        newest_record_time: Some(to_timestamp(ORIGIN.time)),
        staleness: Some(staleness),
    }
}

/// The entry that a caller decodes, the same from a `GetResponse` and from a batch.
fn decoded(key: &str, origin: record::Origin, values: &[(String, Option<Kind>)]) -> v1::Entry {
    let names: Vec<Box<str>> = values.iter().map(|(name, _)| name.as_str().into()).collect();
    let mut fields = FieldsBuffer::default();
    for (_, kind) in values {
        fields.push(kind.as_ref().map(value));
    }
    let expires_at = Timestamp::from_millis(2_250);
    let fields = fields.fields();
    let entry = EntryView { origin, rank: 0, expires_at, replaced_count: 7, fields };
    let mask = FieldMask::ALL;
    let outcome = || LookupOutcome::Entry(FoundEntry::new(key, &names, &mask, entry));

    let alone = encoded(|buffer| outcome().put_get_response(&as_of(), buffer));
    let alone = v1::GetResponse::decode(alone.as_slice()).unwrap();
    assert!(alone.as_of.is_some_and(|as_of| as_of.ready && as_of.staleness.is_some()));
    let batch = encoded(|buffer| {
        outcome().put_batch_result(buffer);
        assert_eq!(buffer.message_bytes(), outcome().batch_result_len());
        put_batch_end(1..1, &as_of(), buffer);
    });
    let batch = v1::BatchGetResponse::decode(batch.as_slice()).unwrap();
    assert_eq!((batch.as_of, &batch.deferred), (alone.as_of, &vec![]));
    assert_eq!(batch.results.as_slice(), alone.result.as_slice());
    let Some(Outcome::Entry(entry)) = alone.result.unwrap().outcome else { panic!("an entry") };
    entry
}

fn value(kind: &Kind) -> Value<'_> {
    match kind {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(bool) => Value::Bool(*bool),
        Kind::IntValue(int) => Value::Int(*int),
        Kind::UintValue(uint) => Value::Uint(*uint),
        Kind::DoubleValue(double) => Value::Double(*double),
        Kind::StringValue(text) => Value::Text(text),
        Kind::JsonValue(json) => Value::Json(json),
        Kind::NumberText(number) => Value::NumberText(number),
    }
}

fn assert_holds(entry: &v1::Entry, values: &[(String, Option<Kind>)]) {
    let present = values.iter().filter(|(_, kind)| kind.is_some()).count();
    assert_eq!(entry.fields.len(), present, "an absent field is not there");
    for (name, kind) in values {
        let decoded = entry.fields.get(name).map(|value| value.kind.clone().unwrap());
        assert_eq!(decoded, *kind, "field {name}");
    }
}

#[test]
fn a_caller_decodes_what_the_table_holds() {
    let values = [
        ("absent", None),
        ("null", Some(Kind::NullValue(0))),
        ("no", Some(Kind::BoolValue(false))),
        ("yes", Some(Kind::BoolValue(true))),
        ("least", Some(Kind::IntValue(i64::MIN))),
        ("most", Some(Kind::UintValue(u64::MAX))),
        ("zero", Some(Kind::DoubleValue(0.0))),
        ("empty", Some(Kind::StringValue(String::new()))),
        ("long", Some(Kind::StringValue("x".repeat(70_000)))),
        ("json", Some(Kind::JsonValue("[1]".to_owned()))),
        ("wide", Some(Kind::NumberText("18446744073709551616".to_owned()))),
    ];
    let values = values.map(|(name, kind)| (name.to_owned(), kind));
    let entry = decoded("a key", ORIGIN, &values);
    assert_eq!(entry.key, "a key");
    assert_holds(&entry, &values);
    let origin = entry.origin.unwrap();
    assert_eq!((origin.partition, origin.offset), (3, 1 << 40));
    let time = origin.record_time.unwrap();
    assert_eq!((time.seconds, time.nanos), (-2, 500_000_000));
    let expiry = entry.expire_time.unwrap();
    assert_eq!((expiry.seconds, expiry.nanos), (2, 250_000_000));
}

#[test]
fn a_caller_decodes_a_miss_with_its_reason() {
    let deleted_by = v1::PartitionOffset { partition: i32::MAX, offset: i64::MAX };
    let reason = v1::MissReason::Deleted.into();
    let miss = || LookupOutcome::Miss(Miss { reason, time: None, deleted_by: Some(deleted_by) });
    let response = encoded(|buffer| miss().put_get_response(&as_of(), buffer));
    let response = v1::GetResponse::decode(response.as_slice()).unwrap();
    let Some(Outcome::Miss(decoded)) = response.result.unwrap().outcome else { panic!("a miss") };
    assert_eq!(decoded.reason(), v1::MissReason::Deleted);
    assert_eq!(decoded.deleted_by.unwrap().offset, i64::MAX);
    let batch = encoded(|buffer| miss().put_batch_result(buffer));
    assert_eq!(batch.len(), miss().batch_result_len());
    let batch = v1::BatchGetResponse::decode(batch.as_slice()).unwrap();
    assert_eq!(batch.results.len(), 1);
}

#[test]
fn a_caller_decodes_which_keys_are_deferred_and_no_end_is_longer_than_was_reserved() {
    for deferred in [0..0, 3..4, 100..200, 1..1_000, 0..1_000] {
        let end = encoded(|buffer| put_batch_end(deferred.clone(), &as_of(), buffer));
        assert!(end.len() <= max_batch_end_len(&as_of()), "{deferred:?}");
        let decoded = v1::BatchGetResponse::decode(end.as_slice()).unwrap();
        let indexes = decoded.deferred.iter().map(|&index| usize::try_from(index).unwrap());
        assert!(indexes.eq(deferred));
    }
}

#[test]
fn a_caller_decodes_only_the_fields_that_it_asked_for() {
    let names: Vec<Box<str>> = ["first", "second", "third"].map(Into::into).into();
    let mut fields = FieldsBuffer::default();
    for text in ["a", "b", "c"] {
        fields.push(Some(Value::Text(text)));
    }
    let mut asked = Texts::default();
    for name in ["third", "first", "third"] {
        asked.push(name, 0);
    }
    let mask = FieldMask::of(&asked, &names).unwrap();
    let expires_at = Timestamp::from_millis(2_250);
    let (origin, fields) = (ORIGIN, fields.fields());
    let entry = EntryView { origin, rank: 0, expires_at, replaced_count: 7, fields };
    let outcome = LookupOutcome::Entry(FoundEntry::new("key", &names, &mask, entry));
    let response = encoded(|buffer| outcome.put_batch_result(buffer));
    let decoded = v1::BatchGetResponse::decode(response.as_slice()).unwrap();
    let Some(Outcome::Entry(entry)) = &decoded.results[0].outcome else { panic!("an entry") };
    let mut found: Vec<_> = entry.fields.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, ["first", "third"]);

    asked.push("fourth", 0);
    let unknown = FieldMask::of(&asked, &names).unwrap_err();
    assert_eq!(unknown.field, "fields[3]");
    assert!(unknown.description.contains("first, second, third"), "{unknown:?}");
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::NullValue(0)),
        any::<bool>().prop_map(Kind::BoolValue),
        any::<i64>().prop_map(Kind::IntValue),
        any::<u64>().prop_map(Kind::UintValue),
        any::<f64>().prop_map(Kind::DoubleValue),
        any::<String>().prop_map(Kind::StringValue),
        (0..20_000_usize).prop_map(|len| Kind::StringValue("\u{2603}".repeat(len))),
        any::<String>().prop_map(Kind::JsonValue),
        any::<String>().prop_map(Kind::NumberText),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_caller_decodes_any_entry_that_a_table_may_hold(
        key in ".+",
        partition in any::<i32>(),
        offset in any::<i64>(),
        millis in -60_000_000_000_000..200_000_000_000_000_i64,
        kinds in vec(option::of(kinds()), 0..6),
    ) {
        let name = |index| format!("{}{index}", "n".repeat(index * 60));
        let values: Vec<_> =
            kinds.into_iter().enumerate().map(|(index, kind)| (name(index), kind)).collect();
        let origin = record::Origin { partition, offset, time: Timestamp::from_millis(millis) };
        let entry = decoded(&key, origin, &values);
        assert_holds(&entry, &values);
        prop_assert_eq!(&entry.key, &key);
        let decoded = entry.origin.unwrap();
        prop_assert_eq!((decoded.partition, decoded.offset), (partition, offset));
        let time = decoded.record_time.unwrap();
        prop_assert_eq!(time.seconds * 1_000 + i64::from(time.nanos) / 1_000_000, millis);
    }
}
