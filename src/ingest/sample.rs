//! What a table makes of one record, in plain data: for people who try a configuration.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use crate::config;
use crate::pluck::{Plucked, Rejected};
use crate::record::{Draft, Reject, Timestamp, Value};
use crate::stats::Outcome;

/// A record as a table takes it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// The table.
    pub table: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// The record's timestamp.
    pub time: String,
    /// What becomes of it.
    pub outcome: SampleOutcome,
    /// Why it is rejected.
    pub reason: Option<&'static str>,
    /// The same in words.
    pub detail: Option<String>,
    /// The key of the entry that it deletes.
    pub deleted_key: Option<String>,
    /// When its life ended, if that is over.
    pub expired: Option<String>,
    /// The entry that it makes.
    pub entry: Option<SampleEntry>,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SampleOutcome {
    /// It is stored, and its key had no entry.
    Stored,
    /// It replaces the entry of its key.
    Replaced,
    /// It is older than the record that its key's entry comes from.
    Superseded,
    /// It deletes the entry of its key.
    Deleted,
    /// Its time to live is over.
    Expired,
    /// `only_when` does not hold for it.
    Filtered,
    /// It cannot be stored.
    Rejected,
}

/// An entry.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SampleEntry {
    /// Its key.
    pub key: String,
    /// Its fields by name, without those that the record lacks.
    pub fields: BTreeMap<String, serde_json::Value>,
    /// When it expires.
    pub expires: String,
}

/// What was plucked of one record, copied for a sample.
#[derive(Debug, Default)]
pub(super) struct SampleParts {
    pub(super) deleted_key: Option<String>,
    pub(super) entry: Option<SampleEntry>,
}

impl SampleParts {
    pub(super) fn of(plucked: &Result<Plucked<'_>, Rejected<'_>>, fields: &[Box<str>]) -> Self {
        match plucked {
            Ok(Plucked::Record(draft)) => {
                Self { entry: Some(SampleEntry::of(draft, fields)), deleted_key: None }
            }
            Ok(Plucked::Deletion(deletion)) => {
                Self { deleted_key: Some(deletion.key.as_str().to_owned()), entry: None }
            }
            Ok(Plucked::Filtered) | Err(_) => Self::default(),
        }
    }
}

impl SampleEntry {
    fn of(draft: &Draft<'_>, names: &[Box<str>]) -> Self {
        let values = names.iter().zip(draft.entry().values());
        let fields = values.filter_map(|(name, value)| Some((name.to_string(), json(value?))));
        Self {
            key: draft.key().to_owned(),
            fields: fields.collect(),
            expires: time_text(draft.entry().expires_at),
        }
    }
}

impl From<Outcome> for SampleOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Stored => Self::Stored,
            Outcome::Replaced => Self::Replaced,
            Outcome::Superseded => Self::Superseded,
            Outcome::Deleted | Outcome::DeletedNothing => Self::Deleted,
            Outcome::ExpiredOnArrival => Self::Expired,
            Outcome::Filtered => Self::Filtered,
            Outcome::Rejected(_) => Self::Rejected,
        }
    }
}

/// Why a record is rejected, in words: for a broken document with the place of the fault, for a
/// value that is missing with the place where it should be.
pub(super) fn detail(reject: Reject, payload: Option<&[u8]>, table: &config::Table) -> String {
    let words = reject.in_words();
    let place = match reject {
        Reject::InvalidJson => payload.and_then(syntax_fault),
        Reject::MissingKey | Reject::InvalidKeyType | Reject::EmptyKey => Some(key_text(table)),
        Reject::MissingTime => Some(table.life.ttl_from.to_string()),
        Reject::MissingVersion => table.version.as_ref().map(ToString::to_string),
        Reject::InvalidTtl => table.life.ttl_field.as_ref().map(ToString::to_string),
        _ => None,
    };
    place.map_or_else(|| words.to_owned(), |place| format!("{words}: {place}"))
}

/// What is wrong with a document, as far as another parser sees it.
fn syntax_fault(payload: &[u8]) -> Option<String> {
    serde_json::from_slice::<serde::de::IgnoredAny>(payload).err().map(|fault| fault.to_string())
}

fn key_text(table: &config::Table) -> String {
    let sources: Vec<_> = table.key.as_slice().iter().map(ToString::to_string).collect();
    sources.join(" or ")
}

fn json(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => truth.into(),
        Value::Int(number) => number.into(),
        Value::Uint(number) => number.into(),
        Value::Double(number) => number.into(),
        // The text of a number that no number of JSON's usual readers can hold.
        Value::Text(text) | Value::NumberText(text) => text.into(),
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

/// The last millisecond of the year 9999, after which times have no usual form.
const LAST_MILLIS: i64 = 253_402_300_799_999;

pub(super) fn time_text(time: Timestamp) -> String {
    let millis = time.as_millis();
    match u64::try_from(millis) {
        Ok(since) if millis <= LAST_MILLIS => {
            humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(since)).to_string()
        }
        _ => format!("{millis} ms since 1970"),
    }
}
