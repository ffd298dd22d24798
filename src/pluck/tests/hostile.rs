//! Payloads that are broken, deep or huge, and the memory that is held after them.

use super::*;

const LEVELS: usize = 100_000;

fn nested(open: &str, core: &str, close: &str) -> String {
    [&open.repeat(LEVELS), core, &close.repeat(LEVELS)].concat()
}

#[test]
fn a_payload_that_is_not_one_whole_document_is_rejected() {
    for payload in [
        "{",
        "}",
        "{\"id\":1",
        "{\"id\":1}}",
        "{\"id\":1} x",
        "{id:1}",
        "{'id':1}",
        "{\"id\":1,}",
        "[1,]",
        "nul",
        "truee",
        "\"open",
        "\"\\x\"",
        "\"\\ud80g\"",
        "\"\\ud800",
        "[\"\\ud800\",]",
        "01",
        "1.e400",
        "[1e400",
        "-",
        " ",
        "\x01",
        "\u{feff}{\"id\":1}",
        "{\"id\":\"a\nb\"}",
        "NaN",
    ] {
        let plucked = plucker("/id", &[]).pluck(&message(payload.as_bytes()));
        assert_eq!(plucked, Err(Reject::InvalidJson), "{payload:?}");
    }
}

#[test]
fn what_no_source_points_at_loses_no_record_while_it_is_json() {
    for part in ["1e999", "-1e400", r#""\ud800""#, r#""\ude00\ud83d""#, r#"{"\udfff":[1e309]}"#] {
        let document = format!(r#"{{"x":{part},"id":"k","a":1}}"#);
        let record = record(plucker("/id", &["/a"]).pluck(&message(document.as_bytes()))).unwrap();
        assert_eq!(record.entry.view().values().collect::<Vec<_>>(), [Some(Value::Int(1))]);
    }
}

#[test]
fn a_payload_that_is_not_utf8_is_rejected_as_such_whatever_else_is_wrong() {
    for payload in [
        &b"{\"id\":\"\xff\"}"[..],
        b"{\"id\":1,\"x\":[1e999,\"\xff\"]}",
        b"\xff",
        b"{\"id\":\"\xed\xa0\x80",
        b"{\xc3}",
    ] {
        let plucked = plucker("/id", &[]).pluck(&message(payload));
        assert_eq!(plucked, Err(Reject::InvalidUtf8), "{payload:?}");
    }
}

#[test]
fn a_payload_in_another_encoding_is_rejected_as_such() {
    for (payload, reason) in [
        (&b"\0\0\0\0\x07\x02k"[..], Reject::FramedPayload),
        (b"\0\0\0\0\x07{\"id\":\"k\"}", Reject::FramedPayload),
        (b"\x03\0 16 bytes of UUID", Reject::FramedPayload),
        (b"\x1f\x8b\x08\0\xff", Reject::CompressedPayload),
        (b"\x1f{}", Reject::InvalidJson),
    ] {
        assert_eq!(plucker("/id", &[]).pluck(&message(payload)), Err(reason), "{payload:?}");
    }
}

#[test]
fn an_empty_payload_is_no_tombstone() {
    let empty = Message { key: Some(b"k"), ..message(b"") };
    assert_eq!(plucker("@key", &[]).pluck(&empty), Err(Reject::EmptyPayload));
}

#[test]
fn a_document_may_be_as_large_as_its_limit() {
    let limits = Limits { max_document_bytes: 8, ..LIMITS };
    let mut plucker = plucker_within(limits, "/id", &[]);
    assert!(plucker.pluck(&message(br#"{"id":1}"#)).is_ok());
    assert_eq!(plucker.pluck(&message(br#"{"id":12}"#)), Err(Reject::DocumentTooLarge));
}

#[test]
fn a_deep_array_is_skipped_and_kept() {
    let deep = nested("[", "", "]");
    let document = format!(r#"{{"deep":{deep},"after":1}}"#);
    assert_field(&document, "/after", Some(Value::Int(1)));
    assert_field(&document, "/deep", Some(Value::Json(&deep)));
}

#[test]
fn a_deep_object_is_kept() {
    let deep = nested(r#"{"a":"#, "null", "}");
    assert_field(&format!("[{deep}]"), "/0", Some(Value::Json(&deep)));
}

#[test]
fn a_deep_path_is_followed_to_its_end() {
    let document = nested(r#"{"a":"#, "7", "}");
    assert_field(&document, &"/a".repeat(LEVELS), Some(Value::Int(7)));
}

#[test]
fn brackets_that_never_close_are_rejected() {
    for open in ["[", r#"{"a":"#, r#"[{"a":"#] {
        let plucked = plucker("/id", &[]).pluck(&message(open.repeat(LEVELS).as_bytes()));
        assert_eq!(plucked, Err(Reject::InvalidJson), "{open}");
    }
}

/// A document of 10 MB, one half of it one string and the other many numbers.
fn large_document() -> String {
    let (text, numbers) = ("x".repeat(5_000_000), "1,".repeat(2_500_000));
    format!(r#"{{"id":"large","text":"{text}","numbers":[{numbers}0]}}"#)
}

#[test]
fn a_large_document_is_plucked_and_its_scratch_memory_is_not_kept() {
    let large = large_document();
    let mut plucker = plucker("/id", &["/text", "/numbers"]);
    let record = record(plucker.pluck(&message(large.as_bytes()))).unwrap();
    let values: Vec<_> = record.entry.view().values().flatten().collect();
    assert!(matches!(values[..], [Value::Text(text), Value::Json(_)] if text.len() == 5_000_000));
    plucker.pluck(&message(br#"{"id":1}"#)).unwrap();
    assert!(plucker.scratch_bytes() <= Limits::KEPT_SCRATCH_BYTES);
}

#[test]
fn the_scratch_memory_of_a_broken_large_document_is_not_kept() {
    let mut plucker = plucker("/id", &["/text"]);
    let broken = "[".repeat(3_000_000);
    assert_eq!(plucker.pluck(&message(broken.as_bytes())), Err(Reject::InvalidJson));
    plucker.pluck(&message(br#"{"id":1}"#)).unwrap();
    assert!(plucker.scratch_bytes() <= Limits::KEPT_SCRATCH_BYTES);
}

#[test]
fn scratch_memory_is_used_again() {
    let document = br#"{"id":1,"a":{"b":[1,2,3]}}"#;
    let mut plucker = plucker("/id", &["/a"]);
    let first = plucker.pluck(&message(document));
    let held = plucker.scratch_bytes();
    assert!(held > 0);
    for _ in 0..100 {
        assert_eq!(plucker.pluck(&message(document)), first);
    }
    assert_eq!(plucker.scratch_bytes(), held);
}

#[test]
fn a_reject_leaves_nothing_to_the_next_message() {
    let mut plucker = plucker("/id", &["/a"]);
    let good = |plucker: &mut TestPlucker| plucker.pluck(&message(br#"{"id":1}"#));
    let expected = good(&mut plucker);
    for bad in [&br#"{"id":1,"a":"#[..], br#"{"id":null,"a":2}"#, br#"{"id":[],"a":[[3]]}"#, b""] {
        assert!(plucker.pluck(&message(bad)).is_err());
        assert_eq!(good(&mut plucker), expected);
    }
}
