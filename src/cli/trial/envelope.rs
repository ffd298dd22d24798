//! A record as a JSON object: our own form, and the one that `kcat -J` writes.
//!
//! A value that is not a text is taken as it is spelt, so that its numbers stay exact.

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use crate::app::TrialRecord;

/// The record in an envelope. Its offset is `offset`, if the envelope has none.
pub(super) fn record(text: &[u8], offset: i64) -> Result<TrialRecord, String> {
    let members = members(text).ok_or_else(|| not_an_object(text))?;
    let last = |names: &[&str]| {
        let of_name = |(name, _): &&(String, &[u8])| names.contains(&name.as_str());
        members.iter().rev().find(of_name).map(|(_, value)| *value)
    };
    let value = last(&["value", "payload"]).ok_or("an envelope without \"value\"")?;
    let number = |name: &str| last(&[name]).map(|value| whole_number(name, value)).transpose();
    Ok(TrialRecord {
        key: last(&["key"]).map(|key| bytes("key", key)).transpose()?.flatten(),
        payload: bytes("value", value)?,
        headers: last(&["headers"]).map_or_else(|| Ok(Vec::new()), headers)?,
        partition: number("partition")?.and_then(|number| i32::try_from(number).ok()).unwrap_or(0),
        offset: number("offset")?.unwrap_or(offset),
        time_millis: last(&["timestamp", "ts"]).map(time_millis).transpose()?.flatten(),
    })
}

fn not_an_object(text: &[u8]) -> String {
    match serde_json::from_slice::<IgnoredAny>(text) {
        Err(fault) => format!("not JSON: {fault}"),
        Ok(_) => "not an envelope, which is an object with \"value\"".into(),
    }
}

/// The names and the spelling of the values of an object; none if it is not one whole object.
fn members(text: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut rest = after(text, b'{')?;
    let mut members = Vec::new();
    if let Some(end) = after(rest, b'}') {
        return is_blank(end).then_some(members);
    }
    loop {
        let name;
        (name, rest) = value(rest)?;
        rest = after(rest, b':')?;
        let spelt;
        (spelt, rest) = value(rest)?;
        members.push((serde_json::from_slice(name).ok()?, spelt));
        match after(rest, b',') {
            Some(next) => rest = next,
            None => return is_blank(after(rest, b'}')?).then_some(members),
        }
    }
}

/// The spelling of the JSON value at the front, and what follows it.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut values = Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let (value, rest) = text.split_at_checked(values.byte_offset())?;
    Some((value.trim_ascii(), rest))
}

/// What follows this byte, if it is the first that is not white space.
fn after(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.trim_ascii_start().strip_prefix(&[byte])
}

fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii().is_empty()
}

/// The bytes of a key or a value; none if it is null.
fn bytes(name: &str, spelt: &[u8]) -> Result<Option<Vec<u8>>, String> {
    match spelt.first() {
        Some(b'"') => {
            let text: Result<String, _> = serde_json::from_slice(spelt);
            text.map(|text| Some(text.into_bytes())).map_err(|fault| format!("{name}: {fault}"))
        }
        Some(b'n') => Ok(None),
        _ => Ok(Some(spelt.to_vec())),
    }
}

type Headers = Vec<(String, Option<Vec<u8>>)>;

/// Of an object, or of a list with names and values in turn.
fn headers(spelt: &[u8]) -> Result<Headers, String> {
    if let Some(members) = members(spelt) {
        let header = |(name, value): (String, &[u8])| Ok((name, bytes("headers", value)?));
        return members.into_iter().map(header).collect();
    }
    if spelt == b"null" {
        return Ok(Vec::new());
    }
    let texts: Result<Vec<Option<String>>, _> = serde_json::from_slice(spelt);
    let texts = texts.map_err(|_| "headers: neither an object nor a list of texts")?;
    let pairs = texts.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().flatten();
        (pair[0].clone().unwrap_or_default(), value.map(String::into_bytes))
    });
    Ok(pairs.collect())
}

fn whole_number(name: &str, spelt: &[u8]) -> Result<i64, String> {
    serde_json::from_slice(spelt).map_err(|_| format!("{name}: not a whole number"))
}

/// None for a record without a time, which Kafka's clients show as -1.
fn time_millis(spelt: &[u8]) -> Result<Option<i64>, String> {
    if spelt == b"null" {
        return Ok(None);
    }
    if let Ok(millis) = serde_json::from_slice::<i64>(spelt) {
        return Ok((millis >= 0).then_some(millis));
    }
    let text: String = serde_json::from_slice(spelt).unwrap_or_default();
    let time = humantime::parse_rfc3339_weak(&text)
        .map_err(|_| "timestamp: neither milliseconds nor RFC 3339")?;
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(since.as_millis()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Option<Vec<u8>>) -> Option<String> {
        bytes.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn an_envelope_has_key_value_time_and_headers() {
        let line = r#" { "key":"a", "value": {"n":1e999,"d":0.10}, "timestamp":"2026-01-01T00:00:00Z",
            "headers": {"type":"order","none":null} } "#;
        let record = record(line.as_bytes(), 7).unwrap();
        assert_eq!(text(record.key).as_deref(), Some("a"));
        assert_eq!(text(record.payload).as_deref(), Some(r#"{"n":1e999,"d":0.10}"#));
        assert_eq!((record.offset, record.time_millis), (7, Some(1_767_225_600_000)));
        assert_eq!(record.headers[0], ("type".into(), Some(b"order".to_vec())));
        assert_eq!(record.headers[1], ("none".into(), None));
    }

    #[test]
    fn what_kcat_writes_is_an_envelope() {
        let line = r#"{"topic":"t","partition":3,"offset":42,"tstype":"create","ts":1000,"broker":1,
            "headers":["a","1","b","2"],"key":null,"payload":"{\"id\": 7}"}"#;
        let record = record(line.as_bytes(), 7).unwrap();
        assert_eq!((record.partition, record.offset, record.time_millis), (3, 42, Some(1000)));
        assert_eq!((record.key, text(record.payload).as_deref()), (None, Some(r#"{"id": 7}"#)));
        assert_eq!(record.headers[1], ("b".into(), Some(b"2".to_vec())));
    }

    #[test]
    fn a_value_of_null_is_a_tombstone_and_no_value_is_a_fault() {
        let tombstone = record(br#"{"key":"a","value":null,"ts":-1}"#, 0).unwrap();
        assert_eq!((tombstone.payload, tombstone.time_millis), (None, None));
        for (line, expected) in [
            (r#"{"key":"a"}"#, "without \"value\""),
            ("{}", "without \"value\""),
            ("[1]", "not an envelope"),
            (r#"{"value":1"#, "not JSON: EOF"),
            (r#"{"value":1} x"#, "not JSON: trailing"),
            (r#"{"value":1,"timestamp":"soon"}"#, "timestamp: neither"),
            (r#"{"value":1,"headers":7}"#, "headers: neither"),
            (r#"{"value":1,"offset":"x"}"#, "offset: not a whole"),
        ] {
            let fault = record(line.as_bytes(), 0).unwrap_err();
            assert!(fault.contains(expected), "{line}: {fault}");
        }
    }
}
