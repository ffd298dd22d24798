//! What can be a key: text, or a number as its text, of no more bytes than allowed.
//!
//! Owns the memory that keys are copied into, so that a key does not borrow the message.

use std::fmt::{Display, Write};

use simd_json::{Node, StaticNode};

use crate::record::{KeyBuffer, KeyRef, Reject};

/// Scratch memory for one key, reused for the next.
#[derive(Debug, Default)]
pub(super) struct KeyScratch {
    number: String,
    key: KeyBuffer,
}

impl KeyScratch {
    /// Copies the text of a key, if it can be one.
    pub(super) fn copy_text(
        &mut self,
        text: Option<&str>,
        max_bytes: usize,
    ) -> Result<KeyRef<'_>, Reject> {
        copy(&mut self.key, text.ok_or(Reject::MissingKey)?, max_bytes)
    }

    /// Copies the key that a value of a document is.
    ///
    /// A number becomes its fewest digits that tell it apart, with no exponent, so that equal
    /// numbers are equal keys however they were written (`1`, `1.0`, `10e-1`).
    pub(super) fn copy_node(
        &mut self,
        node: Option<&Node<'_>>,
        max_bytes: usize,
    ) -> Result<KeyRef<'_>, Reject> {
        let Self { number, key } = self;
        let text = match node {
            None | Some(Node::Static(StaticNode::Null)) => return Err(Reject::MissingKey),
            Some(Node::Static(StaticNode::Bool(_)) | Node::Object { .. } | Node::Array { .. }) => {
                return Err(Reject::InvalidKeyType);
            }
            Some(Node::String(text)) => *text,
            Some(Node::Static(StaticNode::I64(int))) => write(number, int),
            Some(Node::Static(StaticNode::U64(uint))) => write(number, uint),
            // Adding zero makes -0 the 0 that it equals.
            Some(Node::Static(StaticNode::F64(double))) => write(number, &(double + 0.0)),
        };
        copy(key, text, max_bytes)
    }

    /// Scratch bytes held, but for a few for numbers.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.key.capacity()
    }
}

fn copy<'k>(key: &'k mut KeyBuffer, text: &str, max_bytes: usize) -> Result<KeyRef<'k>, Reject> {
    if text.len() > max_bytes {
        return Err(Reject::KeyTooLong);
    }
    key.copy(text).ok_or(Reject::EmptyKey)
}

fn write<'n>(number: &'n mut String, value: &dyn Display) -> &'n str {
    number.clear();
    // Writing to a String cannot fail.
    let _ = write!(number, "{value}");
    number
}
