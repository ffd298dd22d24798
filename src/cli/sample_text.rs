//! What becomes of one record, in text for people.
//!
//! What comes from the stream is written as JSON text, so control characters are escaped.

use std::fmt::Write as _;

use super::output::{count, escaped};
use crate::app::{Sample, SampleEntry, SampleOutcome};

/// A longer value is cut off.
const LONGEST_VALUE: usize = 60;

/// What becomes of a record, and the entry that it makes: a line, and `indent` before each line for
/// a field. It ends with a line break.
pub(super) fn fate(sample: &Sample, indent: &str) -> String {
    let Sample { outcome, reason, detail, deleted_key, expired, entry, .. } = sample;
    let mut text = outcome_text(*outcome).to_owned();
    if let Some(reason) = reason {
        let _ = write!(text, ": {reason}");
    }
    if let Some(detail) = detail {
        let _ = write!(text, ", {}", escaped(detail));
    }
    if let Some(key) = deleted_key {
        let _ = write!(text, " under {}", shortened(&key.as_str().into()));
    }
    if let Some(expired) = expired {
        let _ = write!(text, ": its life ended at {expired}");
    }
    if let Some(SampleEntry { key, fields, expires }) = entry {
        let _ = write!(text, " under {} until {expires}", shortened(&key.as_str().into()));
        for (name, value) in fields {
            let _ = write!(text, "\n{indent}{name} = {}", shortened(value));
        }
    }
    text.push('\n');
    text
}

fn outcome_text(outcome: SampleOutcome) -> &'static str {
    match outcome {
        SampleOutcome::Stored => "stored",
        SampleOutcome::Replaced => "replaces the entry",
        SampleOutcome::Superseded => "superseded, older than the entry",
        SampleOutcome::Deleted => "deletes the entry",
        SampleOutcome::Expired => "older than the time to live",
        SampleOutcome::Filtered => "filtered by only_when",
        SampleOutcome::Rejected => "rejected",
    }
}

/// How many records have an outcome, and a reason to be rejected.
pub(super) fn counted(outcome: SampleOutcome, reason: Option<&str>, number: u64) -> String {
    let outcome = match outcome {
        SampleOutcome::Stored => "stored",
        SampleOutcome::Replaced => "replaced",
        SampleOutcome::Superseded => "superseded",
        SampleOutcome::Deleted => "deletions",
        SampleOutcome::Expired => "expired",
        SampleOutcome::Filtered => "filtered",
        SampleOutcome::Rejected => "rejected for",
    };
    let reason = reason.map_or_else(String::new, |reason| format!(" {reason}"));
    format!("{} {outcome}{reason}", count(number))
}

/// A value as JSON text, cut off where it is long.
fn shortened(value: &serde_json::Value) -> String {
    let text = escaped(&value.to_string());
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_off() {
        let long = shortened(&"x".repeat(500).into());
        assert_eq!(long.len(), LONGEST_VALUE + "...".len());
    }
}
