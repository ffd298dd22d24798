//! Which entry is out of date when a record is rejected.

use super::*;
use crate::config::{Condition, Constant, TtlFrom};

fn key(text: &str) -> Key {
    Key::copy_of(text).unwrap()
}

fn timed(key: &str) -> TestPlucker {
    let mut life = Life::from_record(TTL);
    life.ttl_from = TtlFrom::Source(source("/time"));
    plucker_of(&source(key).into(), &["@header/h"], &life, LIMITS)
}

#[test]
fn a_reject_for_a_time_or_a_field_names_the_entry_that_is_out_of_date() {
    let mut plucker = timed("/id");
    let mut reject = |document: &str| plucker.reject(&message(document.as_bytes()));
    assert_eq!(reject(r#"{"id":"k"}"#), (Reject::MissingTime, Some(key("k"))));
    assert_eq!(reject(r#"{"id":"k","time":"soon"}"#), (Reject::InvalidTime, Some(key("k"))));
    assert_eq!(reject(r#"{"id":"k","time":5}"#), (Reject::ImplausibleTime, Some(key("k"))));
    let document = format!(r#"{{"id":"k","time":{NOON}}}"#);
    let message = Message { header: &|_| Some(b"\xff"), ..message(document.as_bytes()) };
    assert_eq!(plucker.reject(&message), (Reject::InvalidUtf8, Some(key("k"))));
}

#[test]
fn a_reject_for_a_payload_names_the_entry_if_the_key_is_not_in_the_payload() {
    for (payload, reason) in [
        (&b"{"[..], Reject::InvalidJson),
        (b"\xff", Reject::InvalidUtf8),
        (b"", Reject::EmptyPayload),
    ] {
        let message = Message { key: Some(b"k"), ..message(payload) };
        assert_eq!(timed("@key").reject(&message), (reason, Some(key("k"))));
        assert_eq!(timed("/id").reject(&message), (reason, None));
        let both = KeySources::first_of(["/id", "@key"].map(source)).unwrap();
        let life = Life::from_record(TTL);
        assert_eq!(plucker_of(&both, &["/a"], &life, LIMITS).reject(&message), (reason, None));
    }
    let limits = Limits { max_document_bytes: 4, ..LIMITS };
    let message = Message { key: Some(b"k"), ..message(b"[1,2]") };
    let too_large = (Reject::DocumentTooLarge, Some(key("k")));
    assert_eq!(plucker_within(limits, "@key", &["/0"]).reject(&message), too_large);
}

#[test]
fn a_reject_without_a_key_names_none() {
    assert_eq!(timed("/id").reject(&message(b"{}")), (Reject::MissingKey, None));
    let message = Message { key: Some(&[0; 8]), ..message(b"{") };
    assert_eq!(timed("@key").reject(&message), (Reject::InvalidJson, None));
}

#[test]
fn a_reject_names_none_if_the_record_may_not_count_or_its_version_is_unknown() {
    let bad = Message { key: Some(b"k"), ..message(b"{") };
    let when = |name: &str, value: &str| {
        let test = Constant::Text(value.into()).into();
        let condition = Condition { source: source(name), test };
        let TestPlucker { plucker, scratch } = timed("@key");
        TestPlucker { plucker: plucker.only_when(&[condition]), scratch }.reject(&bad).1
    };
    assert_eq!(when("@key", "k"), Some(key("k")));
    assert_eq!(when("@key", "other"), None);
    assert_eq!(when("/kind", "service"), None);
    let TestPlucker { plucker, scratch } = timed("@key");
    let mut versioned = TestPlucker { plucker: plucker.version(&source("/seq")), scratch };
    assert_eq!(versioned.reject(&bad).1, None);
    let without_time = Message { payload: Some(br#"{"seq":5}"#), ..bad };
    assert_eq!(versioned.reject(&without_time), (Reject::MissingTime, Some(key("k"))));
}
