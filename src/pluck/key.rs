//! What can be a key: text, or a number as its text, of no more bytes than allowed.

use std::fmt::{Display, Write};

use simd_json::{Node, StaticNode};

use crate::record::{Key, Reject};

/// Copies the text of a key.
pub(super) fn from_text(text: Option<&str>, max_bytes: usize) -> Result<Key, Reject> {
    let text = text.ok_or(Reject::MissingKey)?;
    if text.len() > max_bytes {
        return Err(Reject::KeyTooLong);
    }
    Key::copy_of(text).ok_or(Reject::EmptyKey)
}

/// The key that a value of a document is; `number` is scratch memory.
///
/// A number becomes its fewest digits that tell it apart, with no exponent, so that equal
/// numbers are equal keys however they were written (`1`, `1.0`, `10e-1`).
pub(super) fn from_node(
    node: Option<&Node<'_>>,
    max_bytes: usize,
    number: &mut String,
) -> Result<Key, Reject> {
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

fn from_number(value: &dyn Display, max_bytes: usize, number: &mut String) -> Result<Key, Reject> {
    number.clear();
    // Writing to a String cannot fail.
    let _ = write!(number, "{value}");
    from_text(Some(number), max_bytes)
}
