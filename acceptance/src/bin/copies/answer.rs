//! Which record of a key an answer knows.

use millpond_client::v1::lookup_result::Outcome;
use millpond_client::v1::{Entry, LookupResult, MissReason};

use crate::writes::Last;

/// What an answer says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// The entry comes from this record.
    Entry(i64),
    /// This record deleted the entry.
    Deleted(i64),
    /// There was no record.
    Nothing,
    /// The table does not know.
    Unknown,
}

impl Known {
    pub(crate) fn of(result: &LookupResult) -> Self {
        match &result.outcome {
            Some(Outcome::Entry(entry)) => Self::Entry(offset(entry)),
            Some(Outcome::Miss(miss)) => match (miss.reason(), miss.deleted_by) {
                (MissReason::Deleted, Some(by)) => Self::Deleted(by.offset),
                (MissReason::NeverSeen, _) => Self::Nothing,
                _ => Self::Unknown,
            },
            None => Self::Unknown,
        }
    }

    /// Whether this knows the last records of a key, or later ones. All records of a key are in one
    /// partition.
    pub(crate) fn includes(self, last: Last) -> bool {
        match self {
            Self::Entry(known) => last.record.is_none_or(|last| known >= last),
            // Another tombstone changes nothing.
            Self::Deleted(known) => last.document.is_none_or(|last| known > last),
            Self::Nothing => last.record.is_none(),
            Self::Unknown => true,
        }
    }
}

pub(crate) fn offset(entry: &Entry) -> i64 {
    entry.origin.map_or(-1, |origin| origin.offset)
}
