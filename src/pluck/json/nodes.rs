//! The nodes of a parsed document, in one flat list: a container is followed by its contents.
//!
//! A container says how many nodes its contents are, so a subtree of any size is stepped
//! over at once. A position past the end of the list gives nothing rather than a panic.

use simd_json::Node;

/// The nodes of a value, itself first; empty if there is no value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Nodes<'d>(&'d [Node<'d>]);

impl<'d> Nodes<'d> {
    /// Nodes as the parser lists them.
    pub(super) fn new(nodes: &'d [Node<'d>]) -> Self {
        Self(nodes)
    }

    /// Every node in order.
    pub(super) fn as_slice(self) -> &'d [Node<'d>] {
        self.0
    }

    /// The node at a position.
    pub(super) fn get(self, at: usize) -> Option<&'d Node<'d>> {
        self.0.get(at)
    }

    /// The value at a position with everything that it contains.
    pub(super) fn subtree(self, at: usize) -> Option<Self> {
        let end = at + span(self.get(at)?);
        self.0.get(at..end).map(Self)
    }

    /// The positions of the direct contents of the container at `at`: the elements of an
    /// array, or the names and values of an object in turn.
    pub(super) fn contents(self, at: usize) -> impl Iterator<Item = usize> + use<'d> {
        let end = at + self.get(at).map_or(0, span);
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let here = next;
            next += self.get(here).map(span).filter(|_| here < end)?;
            Some(here)
        })
    }
}

/// How many nodes a value takes, itself included.
pub(super) fn span(node: &Node<'_>) -> usize {
    match node {
        Node::Object { count, .. } | Node::Array { count, .. } => 1 + count,
        Node::String(_) | Node::Static(_) => 1,
    }
}
