//! One value of a document, in the few kinds that JSON has.

use super::container::Container;
use super::number::Number;

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
    Text(&'d str),
    /// A string in which U+FFFD stands for half a surrogate pair, so it is not all of what was sent.
    DamagedText(&'d str),
    Container(Container<'d>),
}
