//! What can be a key: text, or a number as its text, up to a length.
//!
//! Keys are copied into memory that is owned here, so that a key does not borrow its message.

use std::fmt::{Display, Write};

use super::json::{JsonString, JsonValue};
use crate::record::{KeyBuffer, KeyRef, Reject};

/// Scratch memory for one key, reused for the next.
#[derive(Debug, Default)]
pub(super) struct KeyScratch {
    /// The text of a number, or of a string with its escapes resolved.
    text: String,
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
        let Self { text, key } = self;
        let text = match value {
            None | Some(JsonValue::Null) => return Err(Reject::MissingKey),
            Some(JsonValue::Bool(_) | JsonValue::Container(_)) => {
                return Err(Reject::InvalidKeyType);
            }
            Some(JsonValue::Text(string)) => resolve(string, text, max_bytes)?,
            Some(JsonValue::Int(int)) => write(text, int),
            Some(JsonValue::Uint(uint)) => write(text, uint),
            Some(JsonValue::Number(exact)) => {
                exact.write_plain(text, max_bytes).ok_or(Reject::KeyTooLong)?
            }
        };
        if text.len() > max_bytes {
            return Err(Reject::KeyTooLong);
        }
        key.copy(text).ok_or(Reject::EmptyKey)
    }

    /// Scratch bytes held.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.text.capacity() + self.key.capacity()
    }
}

/// The text of a string. Text with escapes is resolved no further than a key may be long.
fn resolve<'t>(
    string: JsonString<'t>,
    text: &'t mut String,
    max_bytes: usize,
) -> Result<&'t str, Reject> {
    if let Some(plain) = string.as_plain() {
        return Ok(plain);
    }
    if string.has_lone_surrogate() {
        return Err(Reject::InvalidUtf8);
    }
    if string.text_bytes() > max_bytes {
        return Err(Reject::KeyTooLong);
    }
    text.clear();
    // Writing to a String cannot fail.
    let _ = string.write(text);
    Ok(text)
}

fn write(text: &mut String, value: impl Display) -> &str {
    text.clear();
    // Writing to a String cannot fail.
    let _ = write!(text, "{value}");
    text
}
