//! One value of a document, in the few kinds that JSON has.

use super::container::Container;
use super::number::Number;
use super::string::JsonString;

/// A value, borrowed from its document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum JsonValue<'d> {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer over `i64::MAX`.
    Uint(u64),
    /// Any other number.
    Number(Number<'d>),
    Text(JsonString<'d>),
    Container(Container<'d>),
}

impl<'d> JsonValue<'d> {
    /// The value that this is the JSON text of. The text was checked to be one.
    pub(super) fn written(text: &'d str) -> Self {
        match text.as_bytes() {
            [b'"', .., b'"'] => {
                Self::Text(JsonString::written(text.get(1..text.len() - 1).unwrap_or_default()))
            }
            [b'{' | b'[', ..] => Self::Container(Container::written(text)),
            b"null" => Self::Null,
            b"true" => Self::Bool(true),
            b"false" => Self::Bool(false),
            _ => {
                let int = text.parse().map(Self::Int);
                let integer = int.or_else(|_| text.parse().map(Self::Uint));
                integer.unwrap_or_else(|_| Self::Number(Number::new(text)))
            }
        }
    }

    /// Text that stands outside of a document, where there are no escapes.
    pub(crate) fn plain(text: &'d str) -> Self {
        Self::Text(JsonString::plain(text))
    }
}
