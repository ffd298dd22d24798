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
    /// A number becomes the fewest digits that distinguish it, without an exponent. So equal
    /// numbers are equal keys, however they are written (`1`, `1.0`, `10e-1`).
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
            Some(JsonValue::Text(text)) => text,
            Some(JsonValue::Int(int)) => write(number, int),
            Some(JsonValue::Uint(uint)) => write(number, uint),
            // Adding zero turns -0 into 0, which it equals.
            Some(JsonValue::Double(double)) => write(number, double + 0.0),
        };
        if text.len() > max_bytes {
            return Err(Reject::KeyTooLong);
        }
        key.copy(text).ok_or(Reject::EmptyKey)
    }

    /// Scratch bytes held, apart from the few that a number takes.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.key.capacity()
    }
}

fn write(number: &mut String, value: impl Display) -> &str {
    number.clear();
    // Writing to a String cannot fail.
    let _ = write!(number, "{value}");
    number
}
