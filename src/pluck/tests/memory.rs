//! How much scratch memory plucking takes, and which values are too large for an entry.

use super::*;

const MIB: usize = 1 << 20;

/// The limits of a service with defaults.
const DEFAULTS: Limits =
    Limits { max_document_bytes: MIB, max_key_bytes: 1_024, max_values_bytes: MIB };

fn array_of(elements: &str, bytes: usize) -> String {
    format!("[{}0]", elements.repeat((bytes - 3) / elements.len()))
}

#[test]
fn a_document_as_large_as_any_is_never_too_dense() {
    let nested = ["[".repeat(MIB / 2), "]".repeat(MIB / 2)].concat();
    for document in [array_of("1,", MIB), array_of("[],", MIB), array_of("{\"\":{}},", MIB), nested]
    {
        let message = Message { key: Some(b"k"), ..message(document.as_bytes()) };
        let plucked = plucker_within(DEFAULTS, "@key", &["/nothing"]).pluck(&message);
        assert!(record(plucked).is_ok());
    }
    let broken = "[".repeat(MIB);
    let plucked = plucker_within(DEFAULTS, "/id", &[]).pluck(&message(broken.as_bytes()));
    assert_eq!(plucked, Err(Reject::InvalidJson));
}

#[test]
fn no_document_takes_more_than_the_budget_has_for_it() {
    let fields = ["/a", "/a", "/a/0", "/b"];
    let nested = ["[".repeat(MIB / 2 - 20), "]".repeat(MIB / 2 - 20)].concat();
    for value in [nested, array_of("1,", MIB / 2), format!("\"{}\"", "\\u00e9".repeat(MIB / 8))] {
        let document = format!(r#"{{"id":"k","a":{value}}}"#);
        let mut plucker = plucker_within(DEFAULTS, "/id", &fields);
        // Whether it fits into an entry or not.
        plucker.pluck(&message(document.as_bytes())).unwrap();
        let held = plucker.scratch_bytes();
        assert!(held > MIB / 8 && held <= DEFAULTS.scratch_bytes(fields.len()), "{held}");
    }
}

#[test]
fn the_values_of_an_entry_take_one_allocation_of_their_size() {
    let document = format!(r#"{{"id":"k","a":"{}","b":[1, 2]}}"#, "x\\n".repeat(MIB / 8));
    let mut plucker = plucker_within(DEFAULTS, "/id", &["/a", "/b"]);
    plucker.pluck(&message(document.as_bytes())).unwrap();
    assert!(plucker.scratch_bytes() < document.len() + 100, "{}", plucker.scratch_bytes());
}

#[test]
fn the_next_message_frees_what_a_large_one_took() {
    let mut plucker = plucker("/id", &["/a"]);
    let large = format!(r#"{{"id":1,"a":[{}0]}}"#, "12,".repeat(MIB));
    plucker.pluck(&message(large.as_bytes())).unwrap();
    assert!(plucker.scratch_bytes() > MIB);
    plucker.pluck(&message(br#"{"id":1,"a":1}"#)).unwrap();
    assert!(plucker.scratch_bytes() <= Limits::KEPT_SCRATCH_BYTES);
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
