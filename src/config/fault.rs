//! Faults of a configuration, and how they are printed.
//!
//! A fault prints everything that it holds. Whoever creates it must leave out secrets.

use std::fmt;

use thiserror::Error;

/// Every fault of a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// The faults, in the order of the schema.
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, such as `tables[0].ttl`; empty if the fault belongs to no key.
    pub key: String,
    /// Where it was written.
    pub place: Place,
    /// What is wrong.
    pub wrong: String,
    /// What to write instead.
    pub cure: String,
}

/// Where a value was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it is missing or a default.
    #[default]
    Nowhere,
    /// In a file, on a line counted from 1.
    File {
        /// The path as it was given.
        file: String,
        /// The line.
        line: usize,
    },
    /// In the environment variable of this name.
    Environment(String),
    /// In a `--set` for this key.
    Flag(String),
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "the configuration has a fault")?,
            count => write!(f, "the configuration has {count} faults")?,
        }
        self.0.iter().try_for_each(|fault| write!(f, "\n\n{fault}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, place, wrong, cure } = self;
        match (key.as_str(), place) {
            ("", place) => writeln!(f, "  {place}")?,
            (key, Place::Nowhere) => writeln!(f, "  {key}")?,
            (key, place) => writeln!(f, "  {key} ({place})")?,
        }
        write!(f, "    {wrong}\n    {cure}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nowhere"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(key) => write!(f, "--set {key}"),
        }
    }
}

/// A text in quotes, escaped and shortened to fit on a line.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
    }
}
