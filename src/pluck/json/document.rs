//! A parsed document: its nodes, and the text that they were parsed from.

use simd_json::{Node, StaticNode};

use super::container::Container;
use super::nodes::Nodes;
use super::number::Number;
use super::repair::has_lone_surrogate;
use super::source_text::SourceText;
use super::value::JsonValue;

/// A parsed document; by default one without any value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Document<'d> {
    nodes: Nodes<'d>,
    source: SourceText<'d>,
    is_repaired: bool,
}

impl<'d> Document<'d> {
    pub(super) fn new(nodes: Nodes<'d>, source: SourceText<'d>, is_repaired: bool) -> Self {
        Self { nodes, source, is_repaired }
    }

    /// The nodes of all of it.
    pub(super) fn nodes(&self) -> Nodes<'d> {
        self.nodes
    }

    /// The value of the whole document; `None` if there is no document.
    pub(crate) fn root(&self) -> Option<JsonValue<'d>> {
        self.value(0)
    }

    /// The value at a position; `None` if there is none.
    pub(super) fn value(&self, position: usize) -> Option<JsonValue<'d>> {
        Some(match self.nodes.get(position)? {
            Node::String(text) if self.is_damaged(position, text) => JsonValue::DamagedText(text),
            Node::String(text) => JsonValue::Text(text),
            Node::Object { .. } | Node::Array { .. } => {
                JsonValue::Container(Container::new(self.nodes, self.source, position))
            }
            Node::Static(StaticNode::Null) => JsonValue::Null,
            Node::Static(StaticNode::Bool(bool)) => JsonValue::Bool(*bool),
            Node::Static(StaticNode::I64(int)) => JsonValue::Int(*int),
            Node::Static(StaticNode::U64(uint)) => {
                i64::try_from(*uint).map_or(JsonValue::Uint(*uint), JsonValue::Int)
            }
            Node::Static(StaticNode::F64(_)) => {
                let token = self.source.token(self.nodes, position);
                JsonValue::Number(Number::new(str::from_utf8(token).unwrap_or_default()))
            }
        })
    }

    /// Whether half a surrogate pair was replaced in a string.
    fn is_damaged(&self, position: usize, text: &str) -> bool {
        self.is_repaired
            && text.contains(char::REPLACEMENT_CHARACTER)
            && has_lone_surrogate(self.source.token(self.nodes, position))
    }
}
