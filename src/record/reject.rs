//! Why a message is not stored: a closed set, so that every message is counted somewhere.
//!
//! Labels are part of the statistics that people build alarms on: they may be
//! added to, not changed. Who rejects, and what becomes of a reject, is not
//! decided here.

/// Why a message was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reject {
    /// The payload is there and has no bytes; only a null payload is a tombstone.
    EmptyPayload,
    /// The payload has more bytes than a document may have.
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
}

impl Reject {
    /// Every reason in order of declaration, so that each stands at its own `as usize`.
    pub const ALL: [Self; 9] = [
        Self::EmptyPayload,
        Self::DocumentTooLarge,
        Self::InvalidUtf8,
        Self::InvalidJson,
        Self::MissingKey,
        Self::InvalidKeyType,
        Self::EmptyKey,
        Self::KeyTooLong,
        Self::EntryTooLarge,
    ];

    /// Its label in statistics.
    pub const fn as_str(self) -> &'static str {
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
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_stands_at_its_index() {
        for (index, reject) in Reject::ALL.into_iter().enumerate() {
            assert_eq!(reject as usize, index, "{reject:?}");
        }
    }

    #[test]
    fn every_reason_has_a_label_of_its_own() {
        let labels: HashSet<_> = Reject::ALL.map(Reject::as_str).into();
        assert_eq!(labels.len(), Reject::ALL.len());
    }
}
