//! Which values are keys, and which are not.

use super::*;

fn key(text: &str) -> Key {
    Key::copy_of(text).unwrap()
}

#[test]
fn a_string_is_its_own_key_with_escapes_resolved() {
    assert_eq!(key_in(r#"{"id":"a\/b\u00e9"}"#), Ok(key("a/b\u{e9}")));
    assert_eq!(key_in(r#"{"id":"nul \u0000 and \ud83d\ude00"}"#), Ok(key("nul \0 and \u{1f600}")));
    assert_eq!(key_in("{\"id\":\"\u{1f600}\"}"), Ok(key("\u{1f600}")));
}

#[test]
fn equal_numbers_are_equal_keys() {
    for (number, text) in [
        ("42", "42"),
        ("-1", "-1"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("42.0", "42"),
        ("4.2e1", "42"),
        ("0.1", "0.1"),
        ("1e-7", "0.0000001"),
        ("1e21", "1000000000000000000000"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("10e-1", "1"),
        ("1.00", "1"),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("123456789012345678901234567890.0", "123456789012345678901234567890"),
        ("1.23456789012345678901234567890e29", "123456789012345678901234567890"),
    ] {
        assert_eq!(key_in(&format!(r#"{{"id":{number}}}"#)), Ok(key(text)), "{number}");
    }
}

#[test]
fn numbers_that_differ_are_different_keys_however_long_they_are() {
    for (one, other) in [
        ("18446744073709551616", "18446744073709551617"),
        ("123456789012345678901", "123456789012345678902"),
        ("0.1", "0.1000000000000000055"),
        ("1e999", "1e998"),
        ("5e-324", "4e-324"),
    ] {
        let [one, other] = [one, other].map(|id| key_in(&format!(r#"{{"id":{id}}}"#)).unwrap());
        assert_ne!(one, other);
    }
    for id in ["1e1024", "1e999999999999", "1e-1024"] {
        assert_eq!(key_in(&format!(r#"{{"id":{id}}}"#)), Err(Reject::KeyTooLong), "{id}");
    }
}

#[test]
fn a_key_with_half_a_surrogate_pair_is_rejected_and_one_elsewhere_is_not() {
    assert_eq!(key_in(r#"{"id":"a\ud83d"}"#), Err(Reject::InvalidUtf8));
    assert_eq!(key_in(r#"{"id":"a","x":"\ud83d"}"#), Ok(key("a")));
    assert_eq!(key_in(r#"{"x":"\ud83d","id":"\ufffd"}"#), Ok(key("\u{fffd}")));
}

#[test]
fn a_key_that_is_absent_or_null_is_missing() {
    for document in ["{}", r#"{"id":null}"#, r#"{"ID":1}"#, "[1]", "7", r#""id""#] {
        assert_eq!(key_in(document), Err(Reject::MissingKey), "{document}");
    }
}

#[test]
fn a_key_is_neither_boolean_nor_object_nor_array() {
    for id in ["true", "false", "{}", "[]", r#"["a"]"#] {
        let document = format!(r#"{{"id":{id}}}"#);
        assert_eq!(key_in(&document), Err(Reject::InvalidKeyType), "{id}");
    }
}

#[test]
fn a_key_of_no_length_is_rejected() {
    assert_eq!(key_in(r#"{"id":""}"#), Err(Reject::EmptyKey));
    let empty = Message { key: Some(b""), ..message(b"{}") };
    assert_eq!(plucker("@key", &[]).pluck(&empty), Err(Reject::EmptyKey));
}

#[test]
fn a_key_may_be_as_long_as_its_limit() {
    let document = |bytes| format!(r#"{{"id":"{}"}}"#, "k".repeat(bytes));
    assert!(key_in(&document(1_024)).is_ok());
    assert_eq!(key_in(&document(1_025)), Err(Reject::KeyTooLong));
    assert_eq!(key_in(&document(1 << 20)), Err(Reject::KeyTooLong));
}

#[test]
fn the_record_key_and_headers_can_be_keys() {
    let message = Message {
        key: Some("\u{e9}".as_bytes()),
        header: &|name| (name == "id").then_some(b"from-header".as_slice()),
        ..message(b"{}")
    };
    let key_from = |source| record(plucker(source, &[]).pluck(&message)).map(|it| it.key);
    assert_eq!(key_from("@key"), Ok(key("\u{e9}")));
    assert_eq!(key_from("@header/id"), Ok(key("from-header")));
    assert_eq!(key_from("@header/other"), Err(Reject::MissingKey));
}

#[test]
fn a_record_key_that_is_not_text_is_rejected() {
    let message = Message { key: Some(b"\xff"), ..message(b"{}") };
    assert_eq!(plucker("@key", &[]).pluck(&message), Err(Reject::InvalidUtf8));
}

#[test]
fn a_tombstone_without_a_usable_key_is_rejected() {
    let mut plucker = plucker("/id", &["/a"]);
    let tombstone = |key| Message { key, payload: None, ..message(b"") };
    assert_eq!(plucker.pluck(&tombstone(None)), Err(Reject::MissingKey));
    assert_eq!(plucker.pluck(&tombstone(Some(b""))), Err(Reject::EmptyKey));
    assert_eq!(plucker.pluck(&tombstone(Some(b"\xff"))), Err(Reject::InvalidUtf8));
    assert_eq!(plucker.pluck(&tombstone(Some(&[b'k'; 1_025]))), Err(Reject::KeyTooLong));
}
