//! The start of a time to live, and its text form.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::source::{InvalidSource, Source};

/// The start of a time to live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TtlFrom {
    /// The record's timestamp, written `@record`.
    Record,
    /// The time when the record was read from Kafka, written `@arrival`.
    Arrival,
    /// A time in the record, written as a source.
    Source(Source),
}

impl FromStr for TtlFrom {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        match text {
            "@record" => Ok(Self::Record),
            "@arrival" => Ok(Self::Arrival),
            text => text.parse().map(Self::Source),
        }
    }
}

impl fmt::Display for TtlFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record => f.write_str("@record"),
            Self::Arrival => f.write_str("@arrival"),
            Self::Source(source) => source.fmt(f),
        }
    }
}

impl Serialize for TtlFrom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_from_its_own_text() {
        for text in ["@record", "@arrival", "@key", "@header/time", "/updated_at"] {
            let from: TtlFrom = text.parse().unwrap();
            assert_eq!(from.to_string(), text);
        }
        assert!("@now".parse::<TtlFrom>().is_err());
    }
}
