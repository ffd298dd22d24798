//! The form in which a line holds a record: its value, its key and its value, or an envelope.

use clap::Args;

use super::envelope;
use super::lines::Line;
use crate::app::TrialRecord;
use crate::config::Config;

/// How a line holds a record. Without one of these, it is the value alone.
#[derive(Debug, Args)]
pub(super) struct FormArgs {
    /// What is between key and value in each line, as kcat -K and kafka-console-consumer
    /// --property print.key=true write it; \t is a tab. A value of null is a tombstone
    #[arg(long, value_name = "TEXT", conflicts_with = "envelope")]
    key_separator: Option<String>,
    /// Each line is {"key": .., "value": .., "timestamp": .., "headers": {..}}, of which all but value
    /// may be absent, or what kcat -J writes. The timestamp is in milliseconds or RFC 3339. Key and
    /// value are texts, or JSON to take as it is; a value of null is a tombstone
    #[arg(long)]
    envelope: bool,
}

/// How lines become records.
pub(super) struct Form {
    kind: Kind,
    max_document_bytes: usize,
}

enum Kind {
    Value,
    KeyAndValue { separator: Vec<u8> },
    Envelope,
}

/// More than a key with its separator, or an envelope around its value, has in practice.
const AROUND_VALUE_BYTES: usize = 1 << 20;

impl Form {
    pub(super) fn new(args: &FormArgs, config: &Config) -> Self {
        let kind = match &args.key_separator {
            Some(text) => Kind::KeyAndValue { separator: text.replace("\\t", "\t").into_bytes() },
            None if args.envelope => Kind::Envelope,
            None => Kind::Value,
        };
        Self { kind, max_document_bytes: config.ingest.max_document.as_usize() }
    }

    /// A longer line holds nothing that can be stored.
    pub(super) fn longest_line_bytes(&self) -> usize {
        // One byte more than a document may have is enough to be too large.
        let value_bytes = self.max_document_bytes.saturating_add(1);
        match self.kind {
            Kind::Value => value_bytes,
            Kind::KeyAndValue { .. } => value_bytes.saturating_add(AROUND_VALUE_BYTES),
            // Within quotes most characters that matter take two.
            Kind::Envelope => value_bytes.saturating_mul(2).saturating_add(AROUND_VALUE_BYTES),
        }
    }

    /// The record in a line, at an offset that is the line's number; or why there is none.
    pub(super) fn record(&self, line: &Line<'_>) -> Result<TrialRecord, String> {
        let offset = i64::try_from(line.number).unwrap_or(i64::MAX);
        let record = match &self.kind {
            Kind::Value => {
                TrialRecord { payload: Some(line.bytes.to_vec()), ..TrialRecord::default() }
            }
            Kind::KeyAndValue { separator } => key_and_value(line.bytes, separator)?,
            Kind::Envelope if line.is_cut_off => {
                return Err(format!("longer than {} bytes", self.longest_line_bytes()));
            }
            Kind::Envelope => return envelope::record(line.bytes, offset),
        };
        Ok(TrialRecord { offset, ..record })
    }
}

fn key_and_value(line: &[u8], separator: &[u8]) -> Result<TrialRecord, String> {
    let is_there = |at: &usize| line.get(*at..).is_some_and(|rest| rest.starts_with(separator));
    let at = (0..line.len()).find(is_there);
    let Some(at) = at.filter(|_| !separator.is_empty()) else {
        let separator = String::from_utf8_lossy(separator);
        return Err(format!("the separator {separator:?} between key and value is not there"));
    };
    let (key, value) = (&line[..at], &line[at + separator.len()..]);
    let unless_null = |bytes: &[u8]| (bytes != b"null").then(|| bytes.to_vec());
    Ok(TrialRecord { key: unless_null(key), payload: unless_null(value), ..TrialRecord::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_value_are_on_both_sides_of_the_first_separator() {
        let of = |line: &str, separator: &str| {
            let found = key_and_value(line.as_bytes(), separator.as_bytes());
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            found.map(|record| (record.key.map(text), record.payload.map(text)))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("a:{\"b\":1}", ":"), Ok((some("a"), some("{\"b\":1}"))));
        assert_eq!(of("a||null", "||"), Ok((some("a"), None)));
        assert_eq!(of("null\tx", "\t"), Ok((None, some("x"))));
        assert!(of("abc", ":").unwrap_err().contains("\":\""));
    }
}
