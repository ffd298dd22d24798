//! One value of a document, in the few kinds that JSON has.

use simd_json::{Node, StaticNode};

use super::nodes::Nodes;

/// A value, borrowed from its document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum JsonValue<'d> {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer over `i64::MAX`.
    Uint(u64),
    Double(f64),
    Text(&'d str),
    /// An object or array with everything that it contains.
    Container(Nodes<'d>),
}

impl<'d> JsonValue<'d> {
    /// The value that these nodes are; `None` if there are none.
    pub(super) fn of(nodes: Nodes<'d>) -> Option<Self> {
        Some(match nodes.get(0)? {
            Node::String(text) => Self::Text(text),
            Node::Object { .. } | Node::Array { .. } => Self::Container(nodes),
            Node::Static(StaticNode::Null) => Self::Null,
            Node::Static(StaticNode::Bool(bool)) => Self::Bool(*bool),
            Node::Static(StaticNode::I64(int)) => Self::Int(*int),
            Node::Static(StaticNode::U64(uint)) => {
                i64::try_from(*uint).map_or(Self::Uint(*uint), Self::Int)
            }
            Node::Static(StaticNode::F64(double)) => Self::Double(*double),
        })
    }
}
