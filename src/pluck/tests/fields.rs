//! The values that fields hold.

use super::*;

#[test]
fn every_kind_of_value_is_kept_as_it_is() {
    for (json, value) in [
        ("null", Value::Null),
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("-9223372036854775808", Value::Int(i64::MIN)),
        ("9223372036854775807", Value::Int(i64::MAX)),
        ("9223372036854775808", Value::Uint(1 << 63)),
        ("18446744073709551615", Value::Uint(u64::MAX)),
        ("18446744073709551616", Value::NumberText("18446744073709551616")),
        ("-9223372036854775809", Value::NumberText("-9223372036854775809")),
        ("1.0", Value::Double(1.0)),
        ("1.50", Value::Double(1.5)),
        ("1e300", Value::Double(1e300)),
        ("-0", Value::Int(0)),
        (r#""""#, Value::Text("")),
        (r#""\"\\\/\b\f\n\r\t\u20ac""#, Value::Text("\"\\/\u{8}\u{c}\n\r\t\u{20ac}")),
        ("{}", Value::Json("{}")),
        ("[ ]", Value::Json("[]")),
    ] {
        assert_field(&format!(r#"{{"f":{json}}}"#), "/f", Some(value));
    }
}

#[test]
fn a_number_that_no_double_shows_keeps_its_text() {
    for number in [
        "123456789012345678901234567890",
        "1000000000000000000000",
        "-18446744073709551615",
        "0.1000000000000000055",
        "123456789012345678.25",
        "1e999",
        "-1e-999",
        "1E99999999999999999999",
    ] {
        let expected = Some(Value::NumberText(number));
        assert_field(&format!(r#"{{"f":{number}}}"#), "/f", expected);
        assert_field(
            &format!(r#"{{"a":[1.5,"\"x",{{"b":2.5}}], "g" : [0.5, {number} ]}}"#),
            "/g/1",
            expected,
        );
    }
    assert_field("[0.1,0.2,1e999]", "/2", Some(Value::NumberText("1e999")));
}

#[test]
fn numbers_in_objects_and_arrays_are_spelt_as_they_came() {
    let numbers = "[1.0,1.50,1E+2,-0,-0.0,1e999,12345678901234567890123,0.1000000000000000055,7]";
    let document = format!(r#"{{"a":"\u0041","f":{{"x":{numbers}, "\u0062":0.10}}}}"#);
    let expected = format!(r#"{{"x":{numbers},"b":0.10}}"#);
    assert_field(&document, "/f", Some(Value::Json(&expected)));
    assert_field(&document, "/f/x", Some(Value::Json(numbers)));
    assert_field("[[-0],[0]]", "/0", Some(Value::Json("[-0]")));
}

#[test]
fn half_a_surrogate_pair_becomes_the_replacement_character() {
    let document =
        r#"{"f":"a\ud83dz","g":"\ude00\ud83d\ude00","h":["\udbff"],"i":"\ufffd","j":1e999}"#;
    assert_field(document, "/f", Some(Value::Text("a\u{fffd}z")));
    assert_field(document, "/g", Some(Value::Text("\u{fffd}\u{1f600}")));
    assert_field(document, "/h", Some(Value::Json("[\"\u{fffd}\"]")));
    assert_field(document, "/i", Some(Value::Text("\u{fffd}")));
    assert_field(document, "/j", Some(Value::NumberText("1e999")));
}

#[test]
fn a_field_that_is_absent_is_not_null() {
    for document in ["{}", r#"{"f":{}}"#, r#"{"f":null}"#, r#"{"f":"g"}"#, "[]", "1"] {
        assert_field(document, "/f/g", None);
    }
}

#[test]
fn objects_and_arrays_become_compact_json_text() {
    let document = r#"{ "f" : { "b" : [ 1 , -2.50, 1e300, "\u000a\u0001\"" ] , "a" : { } } }"#;
    let text = r#"{"b":[1,-2.50,1e300,"\n\u0001\""],"a":{}}"#;
    assert_field(document, "/f", Some(Value::Json(text)));
    assert_field("[[],[[]],{\"a\":[null]}]", "/2", Some(Value::Json(r#"{"a":[null]}"#)));
}

#[test]
fn array_elements_are_reached_by_their_index_alone() {
    let document = r#"{"tags":["zero","one"]}"#;
    assert_field(document, "/tags/0", Some(Value::Text("zero")));
    assert_field(document, "/tags/1", Some(Value::Text("one")));
    for nowhere in ["/tags/2", "/tags/01", "/tags/+1", "/tags/-", "/tags/", "/tags/-1"] {
        assert_field(document, nowhere, None);
    }
    assert_field(document, "/tags/99999999999999999999", None);
}

#[test]
fn an_index_is_a_plain_name_in_an_object() {
    assert_field(r#"{"0":{"01":true}}"#, "/0/01", Some(Value::Bool(true)));
}

#[test]
fn the_last_of_two_equal_names_counts() {
    assert_field(r#"{"f":1,"f":2}"#, "/f", Some(Value::Int(2)));
    assert_field(r#"{"f":1,"\u0066":null}"#, "/f", Some(Value::Null));
}

#[test]
fn nothing_leaks_from_an_earlier_parent_of_the_same_name() {
    assert_field(r#"{"p":{"a":1},"p":{"b":2}}"#, "/p/a", None);
    assert_field(r#"{"p":{"a":1},"p":[]}"#, "/p/a", None);
    assert_field(
        r#"{"p":{"q":{"a":1}},"p":{"q":{}},"p":{"q":{"a":3}}}"#,
        "/p/q/a",
        Some(Value::Int(3)),
    );
}

#[test]
fn names_with_slashes_tildes_and_no_length_are_reached() {
    assert_field(r#"{"a/b":{"m~n":1}}"#, "/a~1b/m~0n", Some(Value::Int(1)));
    assert_field(r#"{"":{"":1}}"#, "//", Some(Value::Int(1)));
}

#[test]
fn values_stand_in_field_order_whatever_the_document_order() {
    let document = br#"{"z":{"y":1,"x":2},"id":"k","a":3}"#;
    let mut plucker = plucker("/id", &["/a", "/z/x", "/z", "/no", "/z/y", "/a"]);
    let record = record(plucker.pluck(&message(document))).unwrap();
    let expected = [
        Some(Value::Int(3)),
        Some(Value::Int(2)),
        Some(Value::Json(r#"{"y":1,"x":2}"#)),
        None,
        Some(Value::Int(1)),
        Some(Value::Int(3)),
    ];
    assert_eq!(record.entry.view().values().collect::<Vec<_>>(), expected);
    assert_eq!(record.entry.view().origin, message(b"").origin);
    assert_eq!(record.entry.view().expires_at, EXPIRY);
}

#[test]
fn record_key_and_headers_are_text_fields() {
    let message = Message {
        key: Some(b"k"),
        header: &|name| (name == "trace").then_some(b"t-1".as_slice()),
        ..message(br#"{"id":1}"#)
    };
    let mut plucker = plucker("/id", &["@header/trace", "@header/none", "@key"]);
    let record = record(plucker.pluck(&message)).unwrap();
    let expected = [Some(Value::Text("t-1")), None, Some(Value::Text("k"))];
    assert_eq!(record.entry.view().values().collect::<Vec<_>>(), expected);
}

#[test]
fn a_name_that_is_given_twice_takes_nothing_from_the_names_around_it() {
    let document = r#"{"first":{"x":1},"a":{"b":2,"c":3},"last":{"x":4},"a":{"c":5}}"#;
    let expected = [
        ("/first/x", Some(Value::Int(1))),
        ("/a/b", None),
        ("/a/c", Some(Value::Int(5))),
        ("/last/x", Some(Value::Int(4))),
    ];
    let pointers = expected.map(|(pointer, _)| pointer);
    let message = Message { key: Some(b"k"), ..message(document.as_bytes()) };
    let record = record(plucker("@key", &pointers).pluck(&message)).unwrap();
    let values: Vec<_> = record.entry.view().values().collect();
    assert_eq!(values, expected.map(|(_, value)| value));
}

#[test]
fn a_header_field_that_is_not_text_rejects_the_message() {
    let message = Message { header: &|_| Some(b"\xc3\x28"), ..message(br#"{"id":1}"#) };
    let plucked = plucker("/id", &["@header/trace"]).pluck(&message);
    assert_eq!(plucked, Err(Reject::InvalidUtf8));
}

#[test]
fn a_payload_that_no_source_points_into_need_not_be_json() {
    let message = Message { key: Some(b"k"), ..message(b"\xff not JSON") };
    assert!(plucker("@key", &["@key"]).pluck(&message).is_ok());
    assert_eq!(plucker("@key", &["/a"]).pluck(&message), Err(Reject::InvalidUtf8));
}

#[test]
fn a_payload_that_no_source_points_into_may_have_any_size() {
    let limits = Limits { max_document_bytes: 8, ..LIMITS };
    let message = Message { key: Some(b"k"), ..message(br#"{"id":12}"#) };
    assert!(plucker_within(limits, "@key", &["@key"]).pluck(&message).is_ok());
    let plucked = plucker_within(limits, "@key", &["/id"]).pluck(&message);
    assert_eq!(plucked, Err(Reject::DocumentTooLarge));
}
