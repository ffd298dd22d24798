//! The text that a node was parsed from.
//!
//! The parser keeps neither offsets nor the text of numbers, which it makes doubles. So the text
//! is searched, for the few nodes for which the document's own spelling matters.

use simd_json::Node;

use super::nodes::Nodes;
use super::tokens::Tokens;

/// The payload of a parsed document.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SourceText<'d> {
    payload: &'d [u8],
    /// The address of the parser's copy of the payload. Strings lie in that copy, each where it
    /// begins in the payload.
    copy_address: usize,
}

impl<'d> SourceText<'d> {
    pub(super) fn new(payload: &'d [u8], copy_address: usize) -> Self {
        Self { payload, copy_address }
    }

    /// The tokens of the node at a position and of all nodes after it.
    pub(super) fn tokens_from(&self, nodes: Nodes<'_>, position: usize) -> Tokens<'d> {
        let (nearest, offset) = self.nearest_string(nodes, position).unwrap_or((0, 0));
        let mut tokens = Tokens::new(self.payload, offset);
        tokens.by_ref().take(position - nearest).for_each(drop);
        tokens
    }

    /// The token of the node at a position.
    pub(super) fn token(&self, nodes: Nodes<'_>, position: usize) -> &'d [u8] {
        self.tokens_from(nodes, position).next().unwrap_or_default()
    }

    /// The last string at a position or before it: its own position, and its offset in the payload.
    /// A search from there is short, since the name of a member stands before its value.
    fn nearest_string(&self, nodes: Nodes<'_>, position: usize) -> Option<(usize, usize)> {
        (0..=position).rev().find_map(|position| match nodes.get(position)? {
            Node::String(string) => Some((position, self.offset_of(string)?)),
            Node::Object { .. } | Node::Array { .. } | Node::Static(_) => None,
        })
    }

    /// The offset of a string's opening quote.
    fn offset_of(&self, string: &str) -> Option<usize> {
        let after_quote = string.as_ptr().addr().checked_sub(self.copy_address)?;
        let offset = after_quote.checked_sub(1)?;
        (self.payload.get(offset) == Some(&b'"')).then_some(offset)
    }
}
