//! Why a message is not stored: a closed set, so that every message is counted somewhere.
//!
//! Who rejects, what becomes of a reject and what it is called in statistics is not
//! decided here.

/// Why a message was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reject {
    /// The payload is there and has no bytes; only a null payload is a tombstone.
    EmptyPayload,
    /// The payload has more bytes than a document may have, or takes more to parse.
    DocumentTooLarge,
    /// The payload, or a header or record key that a source names, is not UTF-8.
    InvalidUtf8,
    /// The payload is not one whole JSON document.
    InvalidJson,
    /// The key is absent or null.
    MissingKey,
    /// The key is a boolean, an object or an array.
    InvalidKeyType,
    /// The key is text of no length, which could never be asked for.
    EmptyKey,
    /// The key has more bytes than a key may have.
    KeyTooLong,
    /// The entry is larger than its table takes.
    EntryTooLarge,
    /// The time that the entry's life counts from is absent or null.
    MissingTime,
    /// That time is neither milliseconds since 1970 nor RFC 3339.
    InvalidTime,
}

impl Reject {
    /// Every reason in order of declaration, so that each stands at its own `as usize`.
    pub const ALL: [Self; 11] = [
        Self::EmptyPayload,
        Self::DocumentTooLarge,
        Self::InvalidUtf8,
        Self::InvalidJson,
        Self::MissingKey,
        Self::InvalidKeyType,
        Self::EmptyKey,
        Self::KeyTooLong,
        Self::EntryTooLarge,
        Self::MissingTime,
        Self::InvalidTime,
    ];

    /// What it is called where it leaves the process as text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EmptyPayload => "empty_payload",
            Self::DocumentTooLarge => "document_too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::MissingKey => "missing_key",
            Self::InvalidKeyType => "invalid_key_type",
            Self::EmptyKey => "empty_key",
            Self::KeyTooLong => "key_too_long",
            Self::EntryTooLarge => "entry_too_large",
            Self::MissingTime => "missing_time",
            Self::InvalidTime => "invalid_time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_stands_at_its_index() {
        for (index, reject) in Reject::ALL.into_iter().enumerate() {
            assert_eq!(reject as usize, index, "{reject:?}");
        }
    }
}
