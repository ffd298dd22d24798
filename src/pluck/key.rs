//! What can be a key: text, or a number as its text, of no more bytes than allowed.

use std::fmt::{Display, Write};

use simd_json::{Node, StaticNode};

use crate::record::Reject;

/// The text of a key, if it can be one.
pub(super) fn from_text(text: Option<&str>, max_bytes: usize) -> Result<&str, Reject> {
    match text {
        None => Err(Reject::MissingKey),
        Some("") => Err(Reject::EmptyKey),
        Some(text) if text.len() > max_bytes => Err(Reject::KeyTooLong),
        Some(text) => Ok(text),
    }
}

/// The key that a value of a document is; `number` is scratch memory.
///
/// A number becomes its fewest digits that tell it apart, with no exponent, so that equal
/// numbers are equal keys however they were written (`1`, `1.0`, `10e-1`).
pub(super) fn from_node<'a>(
    node: Option<&'a Node<'_>>,
    max_bytes: usize,
    number: &'a mut String,
) -> Result<&'a str, Reject> {
    match node {
        None | Some(Node::Static(StaticNode::Null)) => Err(Reject::MissingKey),
        Some(Node::String(text)) => from_text(Some(text), max_bytes),
        Some(Node::Static(StaticNode::Bool(_)) | Node::Object { .. } | Node::Array { .. }) => {
            Err(Reject::InvalidKeyType)
        }
        Some(Node::Static(StaticNode::I64(int))) => from_number(int, max_bytes, number),
        Some(Node::Static(StaticNode::U64(uint))) => from_number(uint, max_bytes, number),
        Some(Node::Static(StaticNode::F64(double))) => {
            // Adding zero makes -0 the 0 that it equals.
            from_number(&(double + 0.0), max_bytes, number)
        }
    }
}

fn from_number<'a>(
    value: &dyn Display,
    max_bytes: usize,
    number: &'a mut String,
) -> Result<&'a str, Reject> {
    number.clear();
    // Writing to a String cannot fail.
    let _ = write!(number, "{value}");
    from_text(Some(number), max_bytes)
}
