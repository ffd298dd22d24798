//! Which records count, which delete, and when an entry expires.

use std::time::Duration;

use super::*;
use crate::config::{Condition, Constant};

fn condition(source: &str, equals: Constant) -> Condition {
    Condition { source: source.parse().unwrap(), equals }
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
        ("[5]", Constant::Int(5), false),
    ] {
        let document = format!(r#"{{"id":1,"f":{json}}}"#);
        let mut plucker = changed(|it| it.only_when(&[condition("/f", constant)]));
        let counts = plucker.pluck(&message(document.as_bytes())) != Ok(Copied::Filtered);
        assert_eq!(counts, holds, "{document}");
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

/// The expiry of a record with this time; it lives for a second, and no longer than to 2,000 ms.
fn expiry(time: &str) -> Result<i64, Reject> {
    let document = format!(r#"{{"id":1,"time":{time}}}"#);
    let source: Source = "/time".parse().unwrap();
    let mut plucker = changed(|it| it.ttl_from(&source, Duration::from_secs(1)));
    let record = record(plucker.pluck(&message(document.as_bytes())));
    record.map(|record| record.entry.view().expires_at.as_millis())
}

#[test]
fn a_life_counts_from_the_time_in_the_record_but_not_from_the_future() {
    assert_eq!(expiry("400"), Ok(1_400));
    assert_eq!(expiry(r#""400""#), Ok(1_400));
    assert_eq!(expiry(r#""1970-01-01T00:00:00.4Z""#), Ok(1_400));
    assert_eq!(expiry(r#""2999-01-01T00:00:00Z""#), Ok(2_000));
    assert_eq!(expiry("-9223372036854775808"), Ok(i64::MIN + 1_000));
}

#[test]
fn a_record_without_its_time_is_rejected() {
    assert_eq!(expiry("null"), Err(Reject::MissingTime));
    for time in ["true", "1.5", "{}", r#""soon""#, "18446744073709551615"] {
        assert_eq!(expiry(time), Err(Reject::InvalidTime), "{time}");
    }
}
