//! Which records count, and which delete.

use super::*;
use crate::config::{Condition, Constant, Test};

fn condition(source: &str, test: impl Into<Test>) -> Condition {
    Condition { source: source.parse().unwrap(), test: test.into() }
}

fn text(text: &str) -> Constant {
    Constant::Text(text.into())
}

/// A plucker of the key `/id`, with a change.
fn changed(change: impl FnOnce(Plucker) -> Plucker) -> TestPlucker {
    let TestPlucker { plucker, scratch } = plucker("/id", &[]);
    TestPlucker { plucker: change(plucker), scratch }
}

#[test]
fn values_are_compared_as_json_compares() {
    for (json, constant, holds) in [
        (r#""a""#, text("a"), true),
        (r#""\u0061""#, text("a"), true),
        (r#""A""#, text("a"), false),
        ("5", text("5"), false),
        ("true", Constant::Bool(true), true),
        ("false", Constant::Bool(true), false),
        (r#""true""#, Constant::Bool(true), false),
        ("5", Constant::Int(5), true),
        ("5.0", Constant::Int(5), true),
        ("5e0", Constant::Int(5), true),
        ("5.5", Constant::Int(5), false),
        ("18446744073709551615", Constant::Int(-1), false),
        ("5", Constant::Double(5.0), true),
        ("0.1", Constant::Double(0.1), true),
        ("null", text("null"), false),
        ("1e999", Constant::Int(0), false),
        ("1e999", Constant::Double(0.0), false),
        (r#""\ud83d""#, text("\u{fffd}"), false),
        ("[5]", Constant::Int(5), false),
    ] {
        let document = format!(r#"{{"id":1,"f":{json}}}"#);
        let mut plucker = changed(|it| it.only_when(&[condition("/f", constant)]));
        let counts = plucker.pluck(&message(document.as_bytes())) != Ok(Copied::Filtered);
        assert_eq!(counts, holds, "{document}");
    }
}

#[test]
fn a_part_can_be_tested_for_several_values_and_for_null_absence_and_presence() {
    let one_of = Test::OneOf([text("a"), Constant::Int(5)].into());
    for (member, expected) in [
        (r#""f":"a""#, [true, false, false, true]),
        (r#""f":5.0"#, [true, false, false, true]),
        (r#""f":"b""#, [false, false, false, true]),
        (r#""f":{}"#, [false, false, false, true]),
        (r#""f":null"#, [false, true, false, false]),
        (r#""g":5"#, [false, false, true, false]),
    ] {
        let document = format!(r#"{{"id":1,{member}}}"#);
        let found = [one_of.clone(), Test::Null, Test::Absent, Test::Present].map(|test| {
            let mut plucker = changed(|it| it.only_when(&[condition("/f", test)]));
            plucker.pluck(&message(document.as_bytes())) != Ok(Copied::Filtered)
        });
        assert_eq!(found, expected, "{document}");
    }
}

#[test]
fn all_conditions_have_to_hold_and_what_is_absent_equals_nothing() {
    let both = [condition("/a", Constant::Int(1)), condition("@key", text("k"))];
    let mut plucker = changed(|it| it.only_when(&both));
    let mut counts = |document: &str, key: Option<&[u8]>| {
        let message = Message { key, ..message(document.as_bytes()) };
        plucker.pluck(&message) != Ok(Copied::Filtered)
    };
    assert!(counts(r#"{"id":1,"a":1}"#, Some(b"k")));
    assert!(!counts(r#"{"id":1,"a":1}"#, None));
    assert!(!counts(r#"{"id":1,"a":2}"#, Some(b"k")));
    assert!(!counts(r#"{"id":1}"#, Some(b"k")));
}

#[test]
fn a_record_that_does_not_count_is_filtered_whatever_else_is_wrong_with_it() {
    let mut plucker = changed(|it| it.only_when(&[condition("/kind", text("service"))]));
    assert_eq!(plucker.pluck(&message(b"{}")), Ok(Copied::Filtered));
    assert_eq!(plucker.pluck(&message(b"{")), Err(Reject::InvalidJson));
    let tombstone = Message { key: Some(b"k"), payload: None, ..message(b"") };
    assert!(matches!(plucker.pluck(&tombstone), Ok(Copied::Deletion(_))));
}

#[test]
fn a_record_that_says_so_is_a_tombstone_for_its_key() {
    let mut plucker = changed(|it| it.delete_when(&[condition("/deleted", Constant::Bool(true))]));
    let deleted = plucker.pluck(&message(br#"{"id":7,"deleted":true}"#));
    assert_eq!(deleted, Ok(Copied::Deletion(Key::copy_of("7").unwrap())));
    let kept = plucker.pluck(&message(br#"{"id":7,"deleted":false}"#));
    assert!(matches!(kept, Ok(Copied::Record(_))));
    let keyless = plucker.pluck(&message(br#"{"deleted":true}"#));
    assert_eq!(keyless, Err(Reject::MissingKey));
}
