//! The forms of values: how a value is read from text, and how its form is described.
//!
//! Faults and the reference page use the same description, so they cannot differ. A form
//! knows neither its key nor its section.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde::Serializer;

use super::fault::quoted;
use super::size::ByteSize;
use super::tree::{Content, Kind};

/// One form of value.
pub(super) trait Form {
    type Value;

    /// The description: what to write, to follow the word "write".
    fn wanted(&self) -> String;

    /// Reads the value, or says in a few words what is wrong with the text.
    fn parse(&self, text: &str) -> Result<Self::Value, String>;

    /// Reads the value from a text that was written with this kind.
    fn parse_as(&self, _: Kind, text: &str) -> Result<Self::Value, String> {
        self.parse(text)
    }

    /// Reads the value from a section or a list, or says what is wrong with that.
    fn parse_structure(&self, content: &Content) -> Result<Self::Value, String> {
        Err(match content {
            Content::Section(_) => "a value belongs here".into(),
            Content::List(_) | Content::Value(..) => "a single value belongs here".into(),
        })
    }

    /// Whether a value of this kind can have this form.
    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Text | Kind::Untyped)
    }

    /// The text as a fault shows it.
    fn show(&self, text: &str) -> String {
        quoted(text)
    }
}

/// Text that passes a check.
pub(super) struct Text {
    pub(super) wanted: &'static str,
    /// What is wrong with a text, if anything is.
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

/// The name of a Kafka topic, by Kafka's own rules.
pub(super) const TOPIC: Text = Text {
    wanted: "1 to 249 of a-z, A-Z, 0-9, ., _ and -, but neither . nor .. alone",
    fault: |text| {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let sized = (1..=249).contains(&text.len()) && text != "." && text != "..";
        (!sized || !text.chars().all(legal)).then_some("not a topic's name")
    },
};

/// The path of a file.
pub(super) const FILE: Text =
    Text { wanted: "the path of a file", fault: |text| text.is_empty().then_some("it is empty") };

/// A value that may be missing.
pub(super) struct Optional<F>(pub(super) F);

impl<F: Form> Form for Optional<F> {
    type Value = Option<F::Value>;

    fn wanted(&self) -> String {
        self.0.wanted()
    }

    fn parse(&self, text: &str) -> Result<Option<F::Value>, String> {
        self.0.parse(text).map(Some)
    }

    fn parse_as(&self, kind: Kind, text: &str) -> Result<Option<F::Value>, String> {
        self.0.parse_as(kind, text).map(Some)
    }

    fn accepts(&self, kind: Kind) -> bool {
        self.0.accepts(kind)
    }
}

/// A value that its own type parses.
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

    /// A number of bytes may be written without quotes.
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
        let [least, most] = [*least, *most].map(duration_text);
        format!("a duration such as \"90s\" or \"24h\", from {least} to {most}")
    }

    fn parse(&self, text: &str) -> Result<Duration, String> {
        if let Some(unit) = units(text).find(|unit| !UNITS.contains(unit)) {
            let unit = quoted(unit);
            return Err(format!("{unit} is no unit here: the units are {UNITS_IN_WORDS}"));
        }
        let duration = humantime::parse_duration(text);
        let duration = duration.map_err(|error| format!("not a duration: {error}"))?;
        within(&self.0, duration)
    }
}

/// The units of a duration. Months and years are not among them: their lengths differ, and `M` is
/// taken for minutes.
const UNITS: [&str; 27] = [
    "ns", "nsec", "us", "usec", "ms", "msec", "millis", "s", "sec", "secs", "second", "seconds",
    "m", "min", "mins", "minute", "minutes", "h", "hr", "hour", "hours", "d", "day", "days", "w",
    "week", "weeks",
];
const UNITS_IN_WORDS: &str = "ms, s, m (minutes), h, d and w";

fn units(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|unit| !unit.is_empty())
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

/// Yes or no.
pub(super) struct Truth;

impl Form for Truth {
    type Value = bool;

    fn wanted(&self) -> String {
        "true or false".into()
    }

    fn parse(&self, text: &str) -> Result<bool, String> {
        text.parse().map_err(|_| "neither".into())
    }

    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Truth | Kind::Untyped)
    }
}

/// Writes a duration with units, in a form that [`Time`] reads.
pub(super) fn serialize_duration<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration_text(*duration))
}

/// A duration without months and years.
fn duration_text(duration: Duration) -> String {
    const DAY: u64 = 24 * 3_600;
    let days = duration.as_secs() / DAY;
    if days < 30 {
        return humantime::format_duration(duration).to_string();
    }
    let rest = duration.saturating_sub(Duration::from_secs(days * DAY));
    let rest = if rest.is_zero() { String::new() } else { format!(" {}", duration_text(rest)) };
    format!("{days}days{rest}")
}

fn within<T: PartialOrd>(bounds: &RangeInclusive<T>, value: T) -> Result<T, String> {
    match value {
        value if value < *bounds.start() => Err("too little".into()),
        value if value > *bounds.end() => Err("too much".into()),
        value => Ok(value),
    }
}
