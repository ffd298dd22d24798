//! Which documents are too dense to parse, and which values are too large for an entry.

use super::*;
use crate::pluck::json::Shape;

const MIB: usize = 1 << 20;
const SMALL: usize = 16 << 10;

/// The limits of a service with defaults.
const DEFAULTS: Limits =
    Limits { max_document_bytes: MIB, max_key_bytes: 1_024, max_values_bytes: MIB };

/// An array of `bytes` bytes that repeats `elements` as often as it can.
fn array_of(elements: &str, bytes: usize) -> String {
    let repeated = elements.repeat((bytes - 3) / elements.len());
    let document = format!("[{repeated}0]");
    [document.as_str(), &" ".repeat(bytes - document.len())].concat()
}

fn object_of(members: &str, bytes: usize) -> String {
    let repeated = members.repeat((bytes - 8) / members.len());
    let document = format!(r#"{{{repeated}"":0}}"#);
    [document.as_str(), &" ".repeat(bytes - document.len())].concat()
}

/// The outcome of plucking a document under the record's key.
fn plucked(limits: Limits, document: &str) -> Result<Copied, Reject> {
    let message = Message { key: Some(b"k"), ..message(document.as_bytes()) };
    plucker_within(limits, "@key", &["/nothing"]).pluck(&message)
}

#[track_caller]
fn assert_taken(document: &str) {
    let plucked = plucked(DEFAULTS, document);
    assert!(matches!(plucked, Ok(Copied::Record(_))), "{plucked:?}");
}

#[track_caller]
fn assert_too_large(document: &str) {
    assert_eq!(plucked(DEFAULTS, document), Err(Reject::DocumentTooLarge));
}

#[test]
fn a_dense_document_of_ordinary_make_may_be_as_large_as_any() {
    for elements in ["123,", "12,", "1.5,-2,", "[12.1,13.2],", "\"ab\",", "true,"] {
        assert_taken(&array_of(elements, MIB));
    }
    for members in [r#""key":123,"#, r#""a":1,"#, r#""a":{"b":"c"},"#] {
        assert_taken(&object_of(members, MIB));
    }
}

#[test]
fn an_array_of_single_digits_may_have_seven_tenths_of_the_size() {
    assert_taken(&array_of("1,", MIB * 7 / 10));
    assert_too_large(&array_of("1,", MIB));
}

#[test]
fn nothing_but_brackets_is_too_large_well_before_the_limit() {
    assert_taken(&array_of("[],", MIB / 2));
    for document in ["[".repeat(MIB), "]".repeat(MIB), "{".repeat(MIB)] {
        assert_too_large(&document);
    }
    let levels = MIB / 2;
    assert_too_large(&["[".repeat(levels), "]".repeat(levels)].concat());
}

#[test]
fn a_small_document_is_never_too_dense() {
    for max_document_bytes in [SMALL, MIB] {
        let limits = Limits { max_document_bytes, ..DEFAULTS };
        let broken = "[".repeat(SMALL);
        assert_eq!(plucked(limits, &broken), Err(Reject::InvalidJson));
        let closed = ["[".repeat(SMALL / 2), "]".repeat(SMALL / 2)].concat();
        assert!(plucked(limits, &closed).is_ok());
    }
}

#[test]
fn what_stands_in_strings_is_not_taken_for_structure() {
    for text in ["[", "{}", "\\\"", "\\\\", "[\\\",", "a b "] {
        let text = text.repeat((MIB - 2) / text.len());
        assert_taken(&format!("\"{text}\""));
    }
}

#[test]
fn a_large_document_that_nothing_is_read_of_is_never_too_dense() {
    let document = "[".repeat(MIB);
    let message = Message { key: Some(b"k"), ..message(document.as_bytes()) };
    assert!(plucker_within(DEFAULTS, "@key", &["@key"]).pluck(&message).is_ok());
}

#[test]
fn a_message_is_large_for_all_that_is_read_of_it() {
    let is_large = |key: &str, payload_bytes: usize, header_bytes: usize| {
        let (payload, value) = (vec![b' '; payload_bytes], vec![b'v'; header_bytes]);
        let header = |_: &str| Some(value.as_slice());
        let message = Message { header: &header, ..message(&payload) };
        plucker(key, &["/a"]).plucker.is_large(&message)
    };
    assert!(!is_large("/id", SMALL, 100));
    assert!(is_large("/id", SMALL + 1, 0));
    assert!(is_large("@header/h", SMALL, 100));
}

#[test]
fn a_large_document_leaves_the_kept_scratch_as_it_was() {
    let mut plucker = plucker("/id", &["/a"]);
    plucker.pluck(&message(br#"{"id":1,"a":[2]}"#)).unwrap();
    let held = plucker.scratch_bytes();
    let large = format!(r#"{{"id":1,"a":[{}0]}}"#, "12,".repeat(MIB));
    plucker.pluck(&message(large.as_bytes())).unwrap();
    assert_eq!(plucker.scratch_bytes(), held);
}

#[test]
fn a_small_message_frees_what_a_large_one_left_in_its_scratch() {
    let mut plucker = plucker("/id", &["/a"]);
    let large = format!(r#"{{"id":1,"a":[{}0]}}"#, "12,".repeat(MIB));
    plucker.pluck_in_kept_scratch(&message(large.as_bytes())).unwrap();
    assert!(plucker.scratch_bytes() > MIB);
    // Deeper than the large one, for whose depth alone there was room.
    let deep = format!(r#"{{"id":1,"a":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
    assert!(record(plucker.pluck_in_kept_scratch(&message(deep.as_bytes()))).is_ok());
    assert!(plucker.scratch_bytes() <= Limits::KEPT_SCRATCH_BYTES);
}

#[test]
fn the_densest_small_document_takes_what_the_budget_has_for_it() {
    let closed = ["[".repeat(SMALL / 2), "]".repeat(SMALL / 2)].concat();
    for document in [closed, "[".repeat(SMALL), array_of("1,", SMALL)] {
        let shape = Shape::exactly(document.as_bytes());
        // The stack of a small document is as long as its tape might be.
        let stack = (shape.structurals - shape.depth) * 24;
        let writer = if document.contains(']') { 0 } else { shape.depth * 72 };
        let parsing = shape.parsing_bytes() + stack - writer;
        assert!(parsing <= DEFAULTS.small_scratch_bytes(0), "{parsing}");
    }
}

#[test]
fn a_record_key_is_parsed_within_what_the_budget_has_for_its_message() {
    let nested = |bytes: usize| ["[".repeat(bytes / 2), "]".repeat(bytes / 2)].concat();
    for key_bytes in [200, SMALL / 4, SMALL / 2 - 100] {
        let (key, document) = (nested(key_bytes), nested(SMALL - 2 * key_bytes));
        let message = Message { key: Some(key.as_bytes()), ..message(document.as_bytes()) };
        let mut plucker = plucker_within(DEFAULTS, "/0", &["@key/0"]);
        assert!(!plucker.plucker.is_large(&message));
        assert_eq!(plucker.pluck(&message), Err(Reject::InvalidKeyType));
        let held = plucker.scratch_bytes();
        assert!(held <= DEFAULTS.small_scratch_bytes(1), "{held}");
    }
}

#[test]
fn values_that_are_more_than_an_entry_may_have_leave_only_the_key() {
    let limits = Limits { max_values_bytes: 100, ..DEFAULTS };
    for (values, fields) in [
        (format!(r#""{}""#, "x".repeat(101)), vec!["/a"]),
        (format!(r#""{}""#, "x".repeat(60)), vec!["/a", "/a"]),
        (format!("[{}0]", "1,".repeat(60)), vec!["/a"]),
        (format!("[{}0]", "1e15,".repeat(20)), vec!["/a"]),
        ("9".repeat(101), vec!["/a"]),
    ] {
        let document = format!(r#"{{"id":"k","a":{values}}}"#);
        let plucked = plucker_within(limits, "/id", &fields).pluck(&message(document.as_bytes()));
        assert_eq!(plucked, Ok(Copied::Oversized(Key::copy_of("k").unwrap())), "{document}");
    }
}

#[test]
fn values_may_be_as_many_as_an_entry_may_have() {
    let limits = Limits { max_values_bytes: 100, ..DEFAULTS };
    let document = format!(r#"{{"id":"k","a":[{}0]}}"#, "1,".repeat(48));
    let mut plucker = plucker_within(limits, "/id", &["/a"]);
    assert!(record(plucker.pluck(&message(document.as_bytes()))).is_ok());
}
