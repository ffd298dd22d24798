//! An object or array of a document.

use simd_json::{Node, StaticNode};

use super::nodes::Nodes;
use super::source_text::SourceText;
use super::tokens::Tokens;

/// An object or array with everything that it contains.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Container<'d> {
    document: Nodes<'d>,
    source: SourceText<'d>,
    position: usize,
}

impl<'d> Container<'d> {
    /// The container at a position of a document.
    pub(super) fn new(document: Nodes<'d>, source: SourceText<'d>, position: usize) -> Self {
        Self { document, source, position }
    }

    /// Its nodes, itself first.
    pub(super) fn nodes(&self) -> Nodes<'d> {
        self.document.subtree(self.position).unwrap_or_default()
    }

    /// The tokens of its nodes, if one of them is a number whose text its node does not tell.
    pub(super) fn tokens(&self) -> Option<Tokens<'d>> {
        let is_spelt_freely = |node: &Node<'_>| {
            // The parser gives 0 without a sign, so the signed one was written -0.
            matches!(node, Node::Static(StaticNode::F64(_) | StaticNode::I64(0)))
        };
        let is_needed = self.nodes().as_slice().iter().any(is_spelt_freely);
        is_needed.then(|| self.source.tokens_from(self.document, self.position))
    }
}
