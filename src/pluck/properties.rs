//! Properties: documents, damaged documents and random bytes are plucked as the oracle does it.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Message, Plucked, Plucker, Scratch, oracle};
use crate::config::{KeySources, Life};
use crate::record::{Origin, Timestamp};

const LITERALS: [&str; 34] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "0e99999999999",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "1.7976931348623157e308",
    "1e308",
    "1e400",
    "5e-324",
    "1e-400",
    "0.1e1",
    "1E+2",
    "01",
    "1.",
    "1e99999999999999999999",
    "-1e309",
    "1.e400",
    "0.1000000000000000055",
    "123456789012345678901234567890",
    "1000000000000000000000",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\ude00\\ud83d\"",
    "\"\\ud83d\\ud83d\\ude00\"",
    "\"\\ud83d\u{fffd}\\ufffd\"",
    "\"\\\\ud83d\"",
];

/// Few names, so that many are given twice; one name in two spellings.
const NAMES: [&str; 8] =
    ["\"a\"", "\"\\u0061\"", "\"b\"", "\"id\"", "\"tags\"", "\"\"", "\"~/\"", "\"\\udc00\""];

const ALPHABET: &[u8; 35] = b"{}[]:,\"\\/ \n019-+.eEaidutrfalsn\x00\x0c\x7f\x80\xf0";

const SPACES: [&str; 4] = ["", " ", "\n\t", "\r"];

proptest! {
    #[test]
    fn a_document_is_plucked_as_the_oracle_does(document in document()) {
        oracle::check(document.as_bytes());
    }

    #[test]
    fn a_damaged_document_is_judged_as_the_oracle_does(
        document in document(),
        at in any::<Index>(),
        byte in any::<u8>(),
    ) {
        let at = at.index(document.len());
        let (before, after) = document.as_bytes().split_at(at);
        oracle::check(before);
        oracle::check(&[before, &after[1..]].concat());
        oracle::check(&[before, &[byte], after].concat());
        oracle::check(&[before, &[byte], &after[1..]].concat());
    }

    #[test]
    fn any_bytes_are_judged_as_the_oracle_does(bytes in vec(any::<u8>(), 0..200)) {
        oracle::check(&bytes);
    }

    #[test]
    fn what_looks_like_json_is_judged_as_the_oracle_does(
        bytes in vec(select(ALPHABET.as_slice()), 0..100),
    ) {
        oracle::check(&bytes);
    }
}

proptest! {
    #[test]
    fn any_record_key_is_plucked_without_a_panic(
        key in prop_oneof![vec(any::<u8>(), 0..60), document().prop_map(String::into_bytes)],
        is_tombstone in any::<bool>(),
    ) {
        for first_of in [&["/id"][..], &["@key"], &["@key/id"], &["@key/a/b", "/id", "@key/0"]] {
            let payload = (!is_tombstone).then_some(br#"{"id":"k"}"#.as_slice());
            let sources = KeySources::first_of(first_of.iter().map(|text| text.parse().unwrap()));
            let life = Life::from_record(Duration::from_secs(1));
            let limits = oracle::LIMITS;
            let plucker = Plucker::new(&sources.unwrap(), &["@key/id".parse().unwrap()], &life, limits);
            let message = Message {
                key: Some(&key),
                payload,
                header: &|_| None,
                origin: Origin { partition: 0, offset: 0, time: Timestamp::from_millis(0) },
                now: Timestamp::from_millis(0),
                now_elsewhere: Timestamp::from_millis(0),
            };
            let mut scratch = Scratch::new();
            if let Ok(Plucked::Deletion(deletion)) = plucker.pluck(&message, &mut scratch) {
                prop_assert!(is_tombstone && deletion.key.as_str().len() <= limits.max_key_bytes);
            }
        }
    }
}

/// JSON text in every possible spelling. Some of the literals are not JSON.
fn document() -> impl Strategy<Value = String> {
    scalar().prop_recursive(6, 64, 8, |value| {
        let element =
            (space(), value.clone(), space()).prop_map(|(a, b, c)| [a, &b, c].concat()).boxed();
        let member = (name(), space(), element.clone())
            .prop_map(|(name, space, value)| format!("{name}{space}:{value}"));
        prop_oneof![
            vec(element, 0..8).prop_map(|elements| format!("[{}]", elements.join(","))),
            vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        select(LITERALS.as_slice()).prop_map(str::to_owned),
        string(),
        any::<i64>().prop_map(|int| int.to_string()),
        any::<u64>().prop_map(|uint| uint.to_string()),
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(|it| format!("{it:?}")),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?",
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![8 => select(NAMES.as_slice()).prop_map(str::to_owned), 1 => string()]
}

fn space() -> impl Strategy<Value = &'static str> {
    select(SPACES.as_slice())
}

fn string() -> impl Strategy<Value = String> {
    vec((any::<char>(), 0..4_u8), 0..40).prop_map(|characters| {
        let spelt = characters.into_iter().map(|(character, how)| spell(character, how));
        format!("\"{}\"", spelt.collect::<String>())
    })
}

fn spell(character: char, how: u8) -> String {
    let must = matches!(character, '"' | '\\' | '\0'..='\x1f');
    if !must && how > 0 {
        return character.into();
    }
    let mut units = [0; 2];
    let spelt = character.encode_utf16(&mut units).iter();
    spelt.fold(String::new(), |text, unit| format!("{text}\\u{unit:04X}"))
}
