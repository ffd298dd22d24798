//! `[memory]`: how much memory the process may use. The container's limit is not known here.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::form::{Parsed, Truth};
use super::section::{Section, Unset};
use super::size::{ByteSize, Share};

pub(super) const ABOUT: &str = "How much memory the process may use.";

/// How much memory the process may use.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// The limit that resident memory stays under.
    pub limit: MemoryLimit,
    /// Whether what was evicted for pressure is read from the stream again.
    pub reload_after_pressure: bool,
}

/// How the memory limit is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryLimit {
    /// The container's limit, or the machine's memory where there is none.
    Auto,
    /// This number of bytes; at least 32 MiB.
    Bytes(u64),
    /// A share of the limit that [`MemoryLimit::Auto`] finds.
    Share(Share),
}

/// The program itself does not fit into less.
const MIN_LIMIT: ByteSize = ByteSize::mib(32);

impl Memory {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let limit = section.key(
            "limit",
            &Parsed::new("\"auto\", a size of at least 32MiB, or a share such as \"75%\""),
            Unset::Means("auto"),
            "The limit that resident memory stays under. `auto` is the container's limit, or the \
             machine's memory where there is none; a share is a share of that.",
        );
        let reload_after_pressure = section.key(
            "reload_after_pressure",
            &Truth,
            Unset::Means("true"),
            "Whether entries that were evicted because memory was short are read from the stream \
             again, once memory is not short any more. Their partitions are read again from the \
             oldest such entry, and the tables grow stale meanwhile.",
        );
        Some(Self { limit: limit?, reload_after_pressure: reload_after_pressure? })
    }
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            share if share.ends_with('%') => share.parse().map(Self::Share),
            size => match size.parse::<ByteSize>()? {
                size if size < MIN_LIMIT => Err("too little".into()),
                size => Ok(Self::Bytes(size.as_u64())),
            },
        }
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Bytes(bytes) => ByteSize::bytes(*bytes).fmt(f),
            Self::Share(share) => share.fmt(f),
        }
    }
}

impl Serialize for MemoryLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
