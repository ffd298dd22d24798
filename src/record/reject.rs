//! The reasons for which a message is rejected: a closed set, so that each can be counted.
//!
//! Some are found by pluck and one by a table. What happens to a rejected message is not
//! decided here.

/// Why a message was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reject {
    /// The payload has no bytes, but is not null; only a null payload is a tombstone.
    EmptyPayload,
    /// The payload is larger than a document may be, or takes more memory to parse than it may.
    DocumentTooLarge,
    /// The payload is not UTF-8, or a header or record key that a source names, or a tombstone's
    /// record key. Or the key has half a surrogate pair in it.
    InvalidUtf8,
    /// The payload is not one whole JSON document, or the record key that a source points into.
    InvalidJson,
    /// The key is absent or null.
    MissingKey,
    /// The key is a boolean, an object or an array.
    InvalidKeyType,
    /// The key is an empty string.
    EmptyKey,
    /// The key is longer than a key may be.
    KeyTooLong,
    /// The entry is larger than its table accepts.
    EntryTooLarge,
    /// The time from which the time to live counts is absent or null.
    MissingTime,
    /// That time, or the expiry, is neither a number nor RFC 3339.
    InvalidTime,
    /// The version is absent or null.
    MissingVersion,
    /// The version is neither an integer of 64 bits nor a time.
    InvalidVersion,
    /// The record key is binary, and is or holds the key.
    BinaryKey,
    /// A tombstone's record key is an object or array, in which the table looks for no key.
    StructuredKey,
    /// That time is too early or too far ahead to be true.
    ImplausibleTime,
    /// The time to live that the record says is neither a number of seconds nor a duration, or not
    /// above zero.
    InvalidTtl,
    /// The payload begins as what a serializer with a schema registry writes: Avro, Protobuf, or JSON
    /// behind a schema's number.
    FramedPayload,
    /// The payload is compressed with gzip.
    CompressedPayload,
}

impl Reject {
    /// Every reason in the order of declaration, so that each has its `as usize` for an index.
    pub const ALL: [Self; 19] = [
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
        Self::MissingVersion,
        Self::InvalidVersion,
        Self::BinaryKey,
        Self::StructuredKey,
        Self::ImplausibleTime,
        Self::InvalidTtl,
        Self::FramedPayload,
        Self::CompressedPayload,
    ];

    /// Its name wherever it leaves the process as text.
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
            Self::MissingVersion => "missing_version",
            Self::InvalidVersion => "invalid_version",
            Self::BinaryKey => "binary_key",
            Self::StructuredKey => "structured_key",
            Self::ImplausibleTime => "implausible_time",
            Self::InvalidTtl => "invalid_ttl",
            Self::FramedPayload => "framed_payload",
            Self::CompressedPayload => "compressed_payload",
        }
    }

    /// The reason in words, for whoever looks at one record.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::EmptyPayload => "the value has no bytes; only a null value is a tombstone",
            Self::DocumentTooLarge => "the value is larger than ingest.max_document allows",
            Self::InvalidUtf8 => "what is read of the record is not UTF-8",
            Self::InvalidJson => "not one whole JSON document",
            Self::MissingKey => "no key, or null, where the table takes it",
            Self::InvalidKeyType => "the key is a boolean, an object or an array",
            Self::EmptyKey => "the key is an empty string",
            Self::KeyTooLong => "the key is longer than ingest.max_key",
            Self::EntryTooLarge => "the entry is larger than a table of this capacity takes",
            Self::MissingTime => "no time, or null, where the time to live counts from",
            Self::InvalidTime => {
                "the time is neither a number of time_unit since 1970 nor RFC 3339"
            }
            Self::MissingVersion => "no version, or null",
            Self::InvalidVersion => "the version is neither an integer of 64 bits nor a time",
            Self::BinaryKey => "the record key is binary",
            Self::StructuredKey => {
                "the record key is an object or array, and key names no part of it"
            }
            Self::ImplausibleTime => {
                "the time is before earliest_time or too far ahead; see time_unit"
            }
            Self::InvalidTtl => "the time to live is neither seconds nor a duration above zero",
            Self::FramedPayload => {
                "written with a schema registry, such as Avro; plain JSON is read"
            }
            Self::CompressedPayload => "the producer compressed the value with gzip",
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
