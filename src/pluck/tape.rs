//! Moves about on a tape: a flat list of nodes in which a container is followed by its contents.
//!
//! A container says how many nodes follow as its contents, so that a subtree of
//! any size is stepped over at once. Every position that leads off the tape gives
//! nothing rather than a panic.

use simd_json::Node;

/// The node at `at` and all that it contains; nothing if the tape ends before.
pub(super) fn subtree<'t, 'input>(
    nodes: &'t [Node<'input>],
    at: usize,
) -> Option<&'t [Node<'input>]> {
    let end = at + span(nodes.get(at)?);
    nodes.get(at..end)
}

/// The positions of what stands directly in the container at `at`: the elements of an array,
/// names and values by turns of an object.
pub(super) fn contents<'t>(nodes: &'t [Node<'_>], at: usize) -> impl Iterator<Item = usize> + 't {
    let end = at + nodes.get(at).map_or(0, span);
    let mut next = at + 1;
    std::iter::from_fn(move || {
        let here = next;
        next += nodes.get(here).map(span).filter(|_| here < end)?;
        Some(here)
    })
}

/// How many nodes a value takes, itself included.
pub(super) fn span(node: &Node<'_>) -> usize {
    match node {
        Node::Object { count, .. } | Node::Array { count, .. } => 1 + count,
        Node::String(_) | Node::Static(_) => 1,
    }
}
