//! The version of a record: which of two records of a key is newer, where a table goes by versions.
//!
//! A version is an integer of 64 bits, or a time, which becomes milliseconds since 1970.

use super::document::{CompiledSource, ParsedMessage};
use super::json::JsonValue;
use super::times;
use crate::record::{Reject, Timestamp};

/// The version of a record; none if it has none there.
pub(super) fn find(
    source: &CompiledSource,
    record: &ParsedMessage<'_, '_>,
) -> Result<Option<i64>, Reject> {
    match record.value(source)? {
        None | Some(JsonValue::Null) => Ok(None),
        Some(JsonValue::Int(version)) => Ok(Some(version)),
        Some(JsonValue::Text(text)) => {
            let text = text.short().ok_or(Reject::InvalidVersion)?;
            let time = || times::from_rfc3339(&text).map(Timestamp::as_millis);
            text.parse().ok().or_else(time).map(Some).ok_or(Reject::InvalidVersion)
        }
        Some(_) => Err(Reject::InvalidVersion),
    }
}
