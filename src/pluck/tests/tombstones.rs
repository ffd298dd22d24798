//! Which entry a tombstone or a deleting record deletes.

use super::*;
use crate::config::{Condition, Test};

fn key(text: &str) -> Key {
    Key::copy_of(text).unwrap()
}

/// The key sources of a table, spelt as in a configuration.
fn sources(first_of: &[&str]) -> KeySources {
    KeySources::first_of(first_of.iter().map(|text| source(text))).unwrap()
}

fn keyed(first_of: &[&str]) -> TestPlucker {
    plucker_of(&sources(first_of), &[], &Life::from_record(TTL), LIMITS)
}

/// The key that a tombstone with this record key deletes.
fn deleted(first_of: &[&str], record_key: &[u8]) -> Result<Key, Reject> {
    let tombstone = Message { key: Some(record_key), payload: None, ..message(b"") };
    match keyed(first_of).pluck(&tombstone)? {
        Copied::Deletion(key) => Ok(key),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tombstone_takes_the_record_key_where_keys_come_from_documents() {
    for (record_key, expected) in [
        ("k", "k"),
        ("42", "42"),
        ("a b", "a b"),
        ("\"abc\"", "abc"),
        (r#""a\"\u0062""#, "a\"b"),
        ("\"abc", "\"abc"),
        ("\"a\"b\"", "\"a\"b\""),
        ("{brace", "{brace"),
        ("[1] or so", "[1] or so"),
        ("a\tb", "a\tb"),
        ("a\u{1f}b", "a\u{1f}b"),
    ] {
        assert_eq!(deleted(&["/id"], record_key.as_bytes()), Ok(key(expected)), "{record_key}");
    }
    assert_eq!(deleted(&["/id"], b""), Err(Reject::EmptyKey));
    assert_eq!(deleted(&["/id"], b"\"\""), Err(Reject::EmptyKey));
}

#[test]
fn a_tombstone_whose_record_key_is_an_object_has_to_be_told_where_the_key_is() {
    let connect = br#"{"schema":{"type":"struct","fields":[{"type":"int64","field":"id"}]},"payload":{"id":7}}"#;
    for record_key in [&b"{\"id\":7}"[..], b" [7]", connect] {
        assert_eq!(deleted(&["/id"], record_key), Err(Reject::StructuredKey));
    }
    assert_eq!(deleted(&["/id", "@key/id"], b"{\"id\":7}"), Ok(key("7")));
    assert_eq!(deleted(&["@key/payload/id"], connect), Ok(key("7")));
    assert_eq!(
        deleted(&["@key/payload"], br#"{"schema":{"type":"string"},"payload":"abc"}"#),
        Ok(key("abc"))
    );
    assert_eq!(deleted(&["@key/id"], b"{\"other\":7}"), Err(Reject::MissingKey));
    assert_eq!(deleted(&["@key/id"], b"plain"), Err(Reject::MissingKey));
    assert_eq!(deleted(&["@key/id"], b"{\"id\":"), Err(Reject::InvalidJson));
    let long = format!("{{\"id\":7,\"x\":\"{}\"}}", "x".repeat(16 << 10));
    assert_eq!(deleted(&["@key/id"], long.as_bytes()), Err(Reject::KeyTooLong));
}

#[test]
fn a_table_of_record_keys_stores_and_deletes_under_the_same_key() {
    for (first_of, record_key) in [
        ("@key", &b"abc"[..]),
        ("@key", b"\"abc\""),
        ("@key/id", br#"{"id":"abc"}"#),
        ("@key/0", br#"["abc",1]"#),
    ] {
        let stored = Message { key: Some(record_key), ..message(b"{}") };
        let stored = record(keyed(&[first_of]).pluck(&stored)).unwrap().key;
        assert_eq!(stored, key("abc"));
        assert_eq!(deleted(&[first_of], record_key), Ok(stored));
    }
    // The same number is the same key, however it is written.
    assert_eq!(deleted(&["@key/id"], b"{\"id\":1.0}"), Ok(key("1")));
    // All of an object is a key where all of the record key is one.
    assert_eq!(deleted(&["@key"], b"{\"id\":7}"), Ok(key("{\"id\":7}")));
}

#[test]
fn a_binary_record_key_is_rejected_as_such_whether_it_is_utf8_or_not() {
    let framed = b"\0\0\0\0\x2a\x0eabc";
    for record_key in
        [&100_i64.to_be_bytes()[..], &200_i64.to_be_bytes(), &7_i32.to_be_bytes(), framed]
    {
        for first_of in ["/id", "@key", "@key/id"] {
            assert_eq!(deleted(&[first_of], record_key), Err(Reject::BinaryKey), "{record_key:?}");
        }
        let stored = Message { key: Some(record_key), ..message(br#"{"id":1}"#) };
        assert_eq!(keyed(&["@key"]).pluck(&stored), Err(Reject::BinaryKey));
        assert_eq!(record(keyed(&["/id"]).pluck(&stored)).unwrap().key, key("1"));
    }
    assert_eq!(deleted(&["/id"], b"\xff\xfe"), Err(Reject::InvalidUtf8));
}

#[test]
fn a_tombstone_takes_its_key_from_a_header_if_it_has_it() {
    let header = |name: &str| (name == "id").then_some(b"from-header".as_slice());
    let tombstone = Message { key: Some(b"k"), payload: None, header: &header, ..message(b"") };
    let pluck = |first_of: &str| keyed(&[first_of]).pluck(&tombstone);
    assert_eq!(pluck("@header/id"), Ok(Copied::Deletion(key("from-header"))));
    assert_eq!(pluck("@header/other"), Ok(Copied::Deletion(key("k"))));
}

#[test]
fn the_first_place_that_has_a_key_counts() {
    let key_in = |document: &str| {
        record(keyed(&["/after/id", "/before/id"]).pluck(&message(document.as_bytes())))
            .map(|record| record.key)
    };
    assert_eq!(key_in(r#"{"after":{"id":1},"before":{"id":2}}"#), Ok(key("1")));
    assert_eq!(key_in(r#"{"after":null,"before":{"id":2}}"#), Ok(key("2")));
    assert_eq!(key_in(r#"{"after":{"id":null},"before":{"id":2}}"#), Ok(key("2")));
    assert_eq!(key_in(r#"{"after":{"id":""},"before":{"id":2}}"#), Err(Reject::EmptyKey));
    assert_eq!(key_in(r#"{"after":{},"before":{}}"#), Err(Reject::MissingKey));
}

#[test]
fn a_change_event_of_a_delete_deletes_the_row_that_was() {
    let delete_when = [Condition { source: source("/after"), test: Test::Null }];
    let TestPlucker { plucker, scratch } = keyed(&["/after/id", "/before/id"]);
    let mut plucker = TestPlucker { plucker: plucker.delete_when(&delete_when), scratch };
    let created = message(br#"{"op":"c","before":null,"after":{"id":7,"name":"x"}}"#);
    assert_eq!(record(plucker.pluck(&created)).unwrap().key, key("7"));
    let deleted = message(br#"{"op":"d","before":{"id":7},"after":null}"#);
    assert_eq!(plucker.pluck(&deleted), Ok(Copied::Deletion(key("7"))));
    // The tombstone that follows it. A table of documents takes the key as it is.
    let tombstone = Message { key: Some(b"7"), payload: None, ..message(b"") };
    assert_eq!(plucker.pluck(&tombstone), Ok(Copied::Deletion(key("7"))));
}

#[test]
fn parts_of_the_record_key_are_fields_and_conditions_too() {
    let record_key = br#"{"id":7,"tenant":"t","odd":12345678901234567890123}"#;
    let message = Message { key: Some(record_key), ..message(br#"{"a":[1]}"#) };
    let mut plucker = plucker("@key/id", &["@key/tenant", "/a", "@key/none", "@key/odd"]);
    let record = record(plucker.pluck(&message)).unwrap();
    let expected = [
        Some(Value::Text("t")),
        Some(Value::Json("[1]")),
        None,
        Some(Value::NumberText("12345678901234567890123")),
    ];
    assert_eq!(record.entry.view().values().collect::<Vec<_>>(), expected);
    let only_when = |test| {
        let TestPlucker { plucker, scratch } = keyed(&["@key/id"]);
        let condition = Condition { source: source("@key/tenant"), test };
        let mut plucker = TestPlucker { plucker: plucker.only_when(&[condition]), scratch };
        plucker.pluck(&message) == Ok(Copied::Filtered)
    };
    assert!(only_when(Test::Absent) && !only_when(Test::Present));
}
