//! What a record may have to say: a part of it equals a value. How that is written in a
//! configuration is not its business.

use serde::Serialize;

use super::source::Source;

/// A part of a record equals a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Which part.
    pub source: Source,
    /// What it equals.
    pub equals: Constant,
}

/// A value to compare with, as JSON compares: text with text, number with number.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Constant {
    /// A string.
    Text(Box<str>),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Double(f64),
}
