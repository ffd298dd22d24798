//! Plucking done in the plainest way, on a whole `serde_json` value: tests compare with it.
//!
//! It recurses, so documents must be shallow or small. The two readers may differ in one way:
//! the integer `-0` is 0 to pluck and the double -0.0 to `serde_json`.

use std::str;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::config::Source;
use crate::pluck::{Limits, Message, Plucked, Plucker, Scratch};
use crate::record::{Origin, Record, Reject, Timestamp, Value};

const LIMITS: Limits =
    Limits { max_document_bytes: 1 << 20, max_key_bytes: 64, max_values_bytes: 1 << 20 };

/// Pointers that overlap, repeat, go through arrays and lead nowhere.
const POINTERS: [&str; 11] = [
    "/a",
    "/a/b",
    "/a/b/id",
    "/id",
    "/tags/0",
    "/tags/1/a",
    "/tags/01",
    "/tags/-",
    "/",
    "/a/~0~1",
    "/a",
];

/// Plucks `payload` in several ways, and panics if an outcome is not the oracle's.
pub(crate) fn check(payload: &[u8]) {
    check_from("/id", payload);
    check_from("@key", payload);
    // As a field of a larger document, so that all of it is compared.
    check_from("@key", &[b"{\"a\":", payload, b"}"].concat());
}

fn check_from(key: &str, payload: &[u8]) {
    let fields = POINTERS.map(source);
    let message = Message {
        key: Some(b"key"),
        payload: Some(payload),
        header: &|_| None,
        origin: Origin { partition: 0, offset: 0, time: Timestamp::from_millis(0) },
        expires_at: Timestamp::from_millis(1),
    };
    let mut scratch = Scratch::new();
    let plucked = Plucker::new(&source(key), &fields, LIMITS).pluck(&message, &mut scratch);
    let document = match read(payload) {
        Ok(document) => document,
        Err(reject) => return assert_eq!(plucked, Err(reject)),
    };
    let found = (key == "@key").then(|| Json::from("key")).or(document.pointer(key).cloned());
    match (plucked, key_reject(found.as_ref())) {
        (Ok(Plucked::Record(draft)), None) => {
            check_record(&draft.copy(), found.as_ref(), &document);
        }
        (plucked, reject) => assert_eq!(plucked.err(), reject),
    }
}

fn source(text: &str) -> Source {
    text.parse().expect("a source")
}

fn read(payload: &[u8]) -> Result<Json, Reject> {
    if payload.is_empty() {
        return Err(Reject::EmptyPayload);
    }
    let text = str::from_utf8(payload).map_err(|_| Reject::InvalidUtf8)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let document = Json::deserialize(&mut reader).and_then(|it| reader.end().map(|()| it));
    document.map_err(|_| Reject::InvalidJson)
}

fn key_reject(key: Option<&Json>) -> Option<Reject> {
    match key {
        None | Some(Json::Null) => Some(Reject::MissingKey),
        Some(Json::Bool(_) | Json::Array(_) | Json::Object(_)) => Some(Reject::InvalidKeyType),
        Some(Json::String(text)) if text.is_empty() => Some(Reject::EmptyKey),
        Some(Json::String(text)) if text.len() > LIMITS.max_key_bytes => Some(Reject::KeyTooLong),
        // A double may take hundreds of digits.
        Some(Json::Number(number)) if number.is_f64() => {
            let double = number.as_f64().unwrap_or_default() + 0.0;
            (double.to_string().len() > LIMITS.max_key_bytes).then_some(Reject::KeyTooLong)
        }
        Some(Json::String(_) | Json::Number(_)) => None,
    }
}

fn check_record(record: &Record, key: Option<&Json>, document: &Json) {
    check_key(record.key.as_str(), key);
    let expected = POINTERS.map(|pointer| document.pointer(pointer));
    let values: Vec<_> = record.entry.view().values().collect();
    assert_eq!(values.len(), expected.len());
    for (value, expected) in values.into_iter().zip(expected) {
        assert_eq!(value.map(|value| normal(&json(value))), expected.map(normal));
    }
}

fn check_key(key: &str, expected: Option<&Json>) {
    match expected {
        Some(Json::String(text)) => assert_eq!(key, text),
        Some(Json::Number(number)) if number.is_f64() => {
            assert_eq!(key.parse().ok(), number.as_f64());
            assert!(!key.contains('e') && !key.ends_with(".0") && key != "-0", "{key}");
        }
        number => assert_eq!(Some(key), number.map(ToString::to_string).as_deref()),
    }
}

fn json(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => bool.into(),
        Value::Int(int) => int.into(),
        Value::Uint(uint) => uint.into(),
        Value::Double(double) => double.into(),
        Value::Text(text) => text.into(),
        Value::Json(text) => read(text.as_bytes()).expect("JSON text"),
    }
}

/// The value with -0.0 made 0 throughout.
fn normal(value: &Json) -> Json {
    match value {
        Json::Number(number) if number.as_f64() == Some(0.0) => 0.into(),
        Json::Array(elements) => elements.iter().map(normal).collect(),
        Json::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), normal(value))).collect()
        }
        other => other.clone(),
    }
}
