//! `[memory]`: how much memory the process may use. The container's limit is not known here.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::form::Parsed;
use super::section::{Section, Unset};
use super::size::{ByteSize, Share};

pub(super) const ABOUT: &str = "How much memory the process may use.";

/// How much memory the process may use.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// The limit that resident memory stays under.
    pub limit: MemoryLimit,
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
        Some(Self { limit: limit? })
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
