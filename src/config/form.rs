//! What may be written for a key: how it is read from text, and how it is described.
//!
//! The description serves twice, as the cure in a fault and in the reference page,
//! so the two cannot differ. A form knows neither its key nor its section.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde::Serializer;

use super::fault::quoted;
use super::size::ByteSize;
use super::tree::Kind;

/// One form of value.
pub(super) trait Form {
    type Value;

    /// What to write, to follow the word "write".
    fn wanted(&self) -> String;

    /// Reads it, or says in a few words what is wrong with it.
    fn parse(&self, text: &str) -> Result<Self::Value, String>;

    /// Reads it, knowing what its writer took it for.
    fn parse_as(&self, _: Kind, text: &str) -> Result<Self::Value, String> {
        self.parse(text)
    }

    /// Whether a value of that kind in a file can be meant for this.
    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Text | Kind::Untyped)
    }

    /// How a fault shows what was found.
    fn show(&self, text: &str) -> String {
        quoted(text)
    }
}

/// Text that passes a check.
pub(super) struct Text {
    pub(super) wanted: &'static str,
    /// Says what is wrong with a text, if anything is.
    pub(super) fault: fn(&str) -> Option<&'static str>,
}

impl Form for Text {
    type Value = String;

    fn wanted(&self) -> String {
        self.wanted.into()
    }

    fn parse(&self, text: &str) -> Result<String, String> {
        (self.fault)(text).map_or_else(|| Ok(text.into()), |fault| Err(fault.into()))
    }
}

/// Text that may be left out.
pub(super) struct Optional(pub(super) Text);

impl Form for Optional {
    type Value = Option<String>;

    fn wanted(&self) -> String {
        self.0.wanted()
    }

    fn parse(&self, text: &str) -> Result<Option<String>, String> {
        self.0.parse(text).map(Some)
    }
}

/// Whatever the type itself reads from text.
pub(super) struct Parsed<T> {
    pub(super) wanted: &'static str,
    pub(super) parse: fn(&str) -> Result<T, String>,
}

impl<T: FromStr<Err: Display>> Parsed<T> {
    pub(super) fn new(wanted: &'static str) -> Self {
        Self { wanted, parse: |text| text.parse().map_err(|error: T::Err| error.to_string()) }
    }
}

impl<T> Form for Parsed<T> {
    type Value = T;

    fn wanted(&self) -> String {
        self.wanted.into()
    }

    fn parse(&self, text: &str) -> Result<T, String> {
        (self.parse)(text)
    }

    /// Bytes may be a plain number.
    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Text | Kind::Whole | Kind::Untyped)
    }
}

/// A size within bounds.
pub(super) struct Size(pub(super) RangeInclusive<ByteSize>);

impl Form for Size {
    type Value = ByteSize;

    fn wanted(&self) -> String {
        format!("a size from {} to {}", self.0.start(), self.0.end())
    }

    fn parse(&self, text: &str) -> Result<ByteSize, String> {
        text.parse().and_then(|size| within(&self.0, size))
    }

    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Text | Kind::Whole | Kind::Untyped)
    }
}

/// A duration within bounds.
pub(super) struct Time(pub(super) RangeInclusive<Duration>);

impl Form for Time {
    type Value = Duration;

    fn wanted(&self) -> String {
        let [least, most] = [self.0.start(), self.0.end()];
        let [least, most] = [*least, *most].map(humantime::format_duration);
        format!("a duration such as \"90s\" or \"24h\", from {least} to {most}")
    }

    fn parse(&self, text: &str) -> Result<Duration, String> {
        let duration = humantime::parse_duration(text);
        let duration = duration.map_err(|error| format!("not a duration: {error}"))?;
        within(&self.0, duration)
    }
}

/// A whole number within bounds.
pub(super) struct Count(pub(super) RangeInclusive<usize>);

impl Form for Count {
    type Value = usize;

    fn wanted(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }

    fn parse(&self, text: &str) -> Result<usize, String> {
        let count = text.parse().map_err(|_| "not such a number")?;
        within(&self.0, count)
    }

    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Whole | Kind::Untyped)
    }
}

/// One of a few words.
pub(super) struct Word<T: 'static>(pub(super) &'static [(&'static str, T)]);

impl<T: Copy> Form for Word<T> {
    type Value = T;

    fn wanted(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        words.join(" or ")
    }

    fn parse(&self, text: &str) -> Result<T, String> {
        let found = self.0.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| "not known here".into())
    }
}

/// Writes a duration as a person would, in a form that [`Time`] reads.
pub(super) fn serialize_duration<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*duration))
}

fn within<T: PartialOrd>(bounds: &RangeInclusive<T>, value: T) -> Result<T, String> {
    match value {
        value if value < *bounds.start() => Err("too little".into()),
        value if value > *bounds.end() => Err("too much".into()),
        value => Ok(value),
    }
}
