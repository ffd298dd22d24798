//! Plucking done in the plainest way, on a whole tree of values: tests compare with it.
//!
//! It reads JSON itself, since no other reader keeps the text of numbers, and `serde_json` has to
//! agree on what is JSON. It recurses, so documents must be shallow or small.

use std::str;
use std::time::Duration;

use serde::Deserialize;

use crate::config::{Life, Source};
use crate::pluck::{Limits, Message, Plucked, Plucker, Scratch};
use crate::record::{Origin, Record, Reject, Timestamp, Value};

pub(crate) const LIMITS: Limits =
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
        now: Timestamp::from_millis(0),
        now_elsewhere: Timestamp::from_millis(0),
    };
    let mut scratch = Scratch::new();
    let life = Life::from_record(Duration::from_secs(1));
    let plucker = Plucker::new(&source(key).into(), &fields, &life, LIMITS);
    let portable = Plucker::new(&source(key).into(), &fields, &life, LIMITS).portable();
    check_equal(&plucker, &portable, &message);
    let outcome = plucker.pluck(&message, &mut scratch).map_err(|rejected| rejected.reason);
    let document = match read(payload) {
        Ok(document) => document,
        Err(reject) => return assert_eq!(outcome, Err(reject)),
    };
    let record_key = Json::Text { text: "key".into(), is_damaged: false };
    let found = if key == "@key" { Some(&record_key) } else { document.pointer(key) };
    match (outcome, expected_key(found)) {
        (Ok(Plucked::Record(draft)), Ok(key)) => check_record(&draft.copy(), &key, &document),
        (found, expected) => assert_eq!(found.err(), expected.err()),
    }
}

/// Panics if the two do not pluck the same.
fn check_equal(one: &Plucker, other: &Plucker, message: &Message<'_>) {
    let mut scratches = [Scratch::new(), Scratch::new()];
    let [of_one, of_other] = &mut scratches;
    assert_eq!(one.pluck(message, of_one), other.pluck(message, of_other));
}

fn source(text: &str) -> Source {
    text.parse().expect("a source")
}

fn expected_key(key: Option<&Json>) -> Result<String, Reject> {
    let text = match key {
        None | Some(Json::Null) => return Err(Reject::MissingKey),
        Some(Json::Bool(_) | Json::Array(_) | Json::Object(_)) => {
            return Err(Reject::InvalidKeyType);
        }
        Some(Json::Text { is_damaged: true, .. }) => return Err(Reject::InvalidUtf8),
        Some(Json::Text { text, .. }) if text.is_empty() => return Err(Reject::EmptyKey),
        Some(Json::Text { text, .. }) => text.clone(),
        Some(Json::Number(text)) => plain(text).ok_or(Reject::KeyTooLong)?,
    };
    if text.len() > LIMITS.max_key_bytes { Err(Reject::KeyTooLong) } else { Ok(text) }
}

fn check_record(record: &Record, key: &str, document: &Json) {
    assert_eq!(record.key.as_str(), key);
    let values: Vec<_> = record.entry.view().values().collect();
    assert_eq!(values.len(), POINTERS.len());
    for (value, pointer) in values.into_iter().zip(POINTERS) {
        match (value, document.pointer(pointer)) {
            (Some(value), Some(expected)) => check_value(value, expected),
            (value, expected) => assert!(value.is_none() && expected.is_none(), "{pointer}"),
        }
    }
}

fn check_value(value: Value<'_>, expected: &Json) {
    match expected {
        Json::Null => assert_eq!(value, Value::Null),
        Json::Bool(bool) => assert_eq!(value, Value::Bool(*bool)),
        Json::Text { text, .. } => assert_eq!(value, Value::Text(text)),
        Json::Number(text) => check_number(value, text),
        Json::Array(_) | Json::Object(_) => {
            let Value::Json(text) = value else { panic!("{value:?} for {expected:?}") };
            assert_eq!(&read(text.as_bytes()).expect("JSON text"), &expected.without_damage());
        }
    }
}

fn check_number(value: Value<'_>, text: &str) {
    let is_integer = !text.contains(['.', 'e', 'E']);
    let expected = match (text.parse(), text.parse(), text.parse::<f64>()) {
        (Ok(int), ..) => Value::Int(int),
        (_, Ok(uint), _) => Value::Uint(uint),
        (.., Ok(double)) if !is_integer && is_shown(double, text) => Value::Double(double),
        _ => Value::NumberText(text),
    };
    assert_eq!(value, expected, "{text}");
}

fn is_shown(double: f64, text: &str) -> bool {
    double.is_finite() && normal(&format!("{double:e}")) == normal(text)
}

/// The number as digits without zeros at both ends, its sign, and the power of ten they are times.
fn normal(number: &str) -> (bool, String, i128) {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    // One of more digits than any of the tests can tell apart.
    let size: i128 = exponent.trim_start_matches(['+', '-']).parse().unwrap_or(1 << 100);
    let mut exponent = if exponent.starts_with('-') { -size } else { size };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent -= fraction.len() as i128;
    let digits = [whole, fraction].concat().replace('-', "");
    let digits = digits.trim_start_matches('0');
    let trimmed = digits.trim_end_matches('0');
    exponent += (digits.len() - trimmed.len()) as i128;
    if trimmed.is_empty() {
        return (false, String::new(), 0);
    }
    (number.starts_with('-'), trimmed.to_owned(), exponent)
}

/// The number with all its digits; `None` if they are thousands.
fn plain(number: &str) -> Option<String> {
    let (is_negative, digits, exponent) = normal(number);
    let size = usize::try_from(exponent.abs()).ok().filter(|size| *size < 1_000)?;
    let mut plain = if exponent < 0 {
        let padded = format!("{digits:0>width$}", width = size + 1);
        let (whole, fraction) = padded.split_at(padded.len() - size);
        format!("{whole}.{fraction}")
    } else {
        format!("{digits}{}", "0".repeat(size))
    };
    if plain.is_empty() {
        plain = "0".into();
    }
    Some(if is_negative { format!("-{plain}") } else { plain })
}

#[derive(Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Number(String),
    /// Damaged if U+FFFD stands in it for half a surrogate pair.
    Text {
        text: String,
        is_damaged: bool,
    },
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn pointer(&self, pointer: &str) -> Option<&Self> {
        pointer.split('/').skip(1).try_fold(self, |value, token| match value {
            Self::Object(members) => {
                let token = token.replace("~1", "/").replace("~0", "~");
                members.iter().rev().find(|(name, _)| *name == token).map(|(_, value)| value)
            }
            Self::Array(elements) => {
                let index: usize = token.parse().ok()?;
                (index.to_string() == token).then(|| elements.get(index)).flatten()
            }
            _ => None,
        })
    }

    /// The value as it reads back: nothing says then that a string was damaged.
    fn without_damage(&self) -> Self {
        match self {
            Self::Null => Self::Null,
            Self::Bool(bool) => Self::Bool(*bool),
            Self::Number(text) => Self::Number(text.clone()),
            Self::Text { text, .. } => Self::Text { text: text.clone(), is_damaged: false },
            Self::Array(elements) => {
                Self::Array(elements.iter().map(Self::without_damage).collect())
            }
            Self::Object(members) => Self::Object(
                members.iter().map(|(name, it)| (name.clone(), it.without_damage())).collect(),
            ),
        }
    }
}

fn read(payload: &[u8]) -> Result<Json, Reject> {
    if payload.is_empty() {
        return Err(Reject::EmptyPayload);
    }
    if payload.starts_with(&[0]) || payload.starts_with(&[3]) {
        return Err(Reject::FramedPayload);
    }
    if payload.starts_with(&[0x1f, 0x8b]) {
        return Err(Reject::CompressedPayload);
    }
    let text = str::from_utf8(payload).map_err(|_| Reject::InvalidUtf8)?;
    let mut reader = Reader { rest: text, has_refused: false };
    let value = reader.value();
    reader.skip_space();
    let document = value.filter(|_| reader.rest.is_empty());
    assert_eq!(is_json(text), document.is_some() && !reader.has_refused, "{text}");
    document.ok_or(Reject::InvalidJson)
}

fn is_json(text: &str) -> bool {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    serde_json::Value::deserialize(&mut reader).and_then(|_| reader.end()).is_ok()
}

/// Reads JSON by its grammar alone.
struct Reader<'t> {
    rest: &'t str,
    /// Whether the grammar allowed what `serde_json` refuses: half a surrogate pair, or a number
    /// that is too large for a double.
    has_refused: bool,
}

impl<'t> Reader<'t> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn take_char(&mut self) -> Option<char> {
        let first = self.rest.chars().next()?;
        self.rest = &self.rest[first.len_utf8()..];
        Some(first)
    }

    fn value(&mut self) -> Option<Json> {
        self.skip_space();
        match self.rest.chars().next()? {
            '{' => self.object(),
            '[' => self.array(),
            '"' => self.string(),
            'n' => self.take("null").map(|()| Json::Null),
            't' => self.take("true").map(|()| Json::Bool(true)),
            'f' => self.take("false").map(|()| Json::Bool(false)),
            _ => self.number(),
        }
    }

    fn object(&mut self) -> Option<Json> {
        let members = self.items("{", "}", |reader| {
            reader.skip_space();
            let Json::Text { text: name, .. } = reader.string()? else { return None };
            reader.skip_space();
            reader.take(":")?;
            Some((name, reader.value()?))
        });
        members.map(Json::Object)
    }

    fn array(&mut self) -> Option<Json> {
        self.items("[", "]", Self::value).map(Json::Array)
    }

    fn items<T>(
        &mut self,
        opening: &str,
        closing: &str,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.take(opening)?;
        self.skip_space();
        let mut items = Vec::new();
        if self.take(closing).is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            self.skip_space();
            if self.take(closing).is_some() {
                return Some(items);
            }
            self.take(",")?;
        }
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.rest;
        let _ = self.take("-");
        if self.take("0").is_none() {
            self.digits()?;
        }
        if self.take(".").is_some() {
            self.digits()?;
        }
        if self.take("e").or_else(|| self.take("E")).is_some() {
            let _ = self.take("+").or_else(|| self.take("-"));
            self.digits()?;
        }
        let text = &start[..start.len() - self.rest.len()];
        self.has_refused |= text.parse().is_ok_and(f64::is_infinite);
        Some(Json::Number(text.to_owned()))
    }

    fn digits(&mut self) -> Option<&'t str> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &self.rest[..self.rest.len() - rest.len()];
        self.rest = rest;
        (!digits.is_empty()).then_some(digits)
    }

    fn string(&mut self) -> Option<Json> {
        self.take("\"")?;
        let (mut units, mut text) = (Vec::new(), String::new());
        loop {
            match self.take_char()? {
                '"' => break,
                '\\' => units.push(self.escape()?),
                '\0'..='\x1f' => return None,
                plain => units.extend(plain.encode_utf16(&mut [0; 2]).iter().copied()),
            }
        }
        let mut is_damaged = false;
        for unit in char::decode_utf16(units) {
            is_damaged |= unit.is_err();
            text.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.has_refused |= is_damaged;
        Some(Json::Text { text, is_damaged })
    }

    /// The UTF-16 code unit of an escape, after its backslash.
    fn escape(&mut self) -> Option<u16> {
        Some(match self.take_char()? {
            '"' => 0x22,
            '\\' => 0x5c,
            '/' => 0x2f,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let digits = self.rest.get(..4)?;
                self.rest = &self.rest[4..];
                let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)?
            }
            _ => return None,
        })
    }
}
