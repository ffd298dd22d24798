//! What can be a key: text, or a number as its text, up to a length.
//!
//! Keys are copied into memory that is owned here, so that a key does not borrow its message.

use std::fmt::{Display, Write};

use super::json::JsonValue;
use crate::record::{KeyBuffer, KeyRef, Reject};

/// Scratch memory for one key, reused for the next.
#[derive(Debug, Default)]
pub(super) struct KeyScratch {
    number: String,
    key: KeyBuffer,
}

impl KeyScratch {
    /// Copies a value as a key.
    ///
    /// A number becomes all its digits, without an exponent. So equal numbers are equal keys,
    /// however they are written (`1`, `1.0`, `10e-1`), and others are not, however long.
    ///
    /// Half a surrogate pair is refused: without it, keys that differ in it would be one.
    pub(super) fn copy(
        &mut self,
        value: Option<JsonValue<'_>>,
        max_bytes: usize,
    ) -> Result<KeyRef<'_>, Reject> {
        let Self { number, key } = self;
        let text = match value {
            None | Some(JsonValue::Null) => return Err(Reject::MissingKey),
            Some(JsonValue::Bool(_) | JsonValue::Container(_)) => {
                return Err(Reject::InvalidKeyType);
            }
            Some(JsonValue::DamagedText(_)) => return Err(Reject::InvalidUtf8),
            Some(JsonValue::Text(text)) => text,
            Some(JsonValue::Int(int)) => write(number, int),
            Some(JsonValue::Uint(uint)) => write(number, uint),
            Some(JsonValue::Number(exact)) => {
                exact.write_plain(number, max_bytes).ok_or(Reject::KeyTooLong)?
            }
        };
        if text.len() > max_bytes {
            return Err(Reject::KeyTooLong);
        }
        key.copy(text).ok_or(Reject::EmptyKey)
    }

    /// Scratch bytes held.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.number.capacity() + self.key.capacity()
    }
}

fn write(number: &mut String, value: impl Display) -> &str {
    number.clear();
    // Writing to a String cannot fail.
    let _ = write!(number, "{value}");
    number
}
