//! Puts a record together from a message and the nodes of its document.
//!
//! Values are packed straight from the tape in field order, so a record costs two
//! allocations: its key and its entry. Owns the scratch memory that packing takes.

use simd_json::{Node, StaticNode};

use super::json_text::JsonText;
use super::paths::{Found, PathId};
use super::sources::{Place, Sources};
use super::{Limits, Message, key, tape};
use crate::record::{Entry, FieldsBuffer, Key, Record, Reject, Value};

/// The scratch memory that a record is put together in.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    found: Found,
    fields: FieldsBuffer,
    json: JsonText,
    number: String,
}

impl Assembly {
    /// The record that `sources` make of a message; `nodes` are its document, or none if no
    /// source needs it.
    pub(super) fn record(
        &mut self,
        sources: &Sources,
        limits: Limits,
        message: &Message<'_>,
        nodes: &[Node<'_>],
    ) -> Result<Record, Reject> {
        sources.paths.locate(nodes, &mut self.found);
        let key = self.key(&sources.key, limits, message, nodes)?;
        self.fields.clear();
        for field in &sources.fields {
            match field {
                Place::Envelope(part) => self.fields.push(part.text(message)?.map(Value::Text)),
                Place::Document(path) => self.pack(self.subtree(*path, nodes)),
            }
        }
        let entry = Entry::copy_of(message.origin, message.expires_at, &self.fields);
        Ok(Record { key, entry })
    }

    /// Scratch bytes held, but for a few in proportion to the sources.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.fields.capacity() + self.json.scratch_bytes()
    }

    fn key(
        &mut self,
        place: &Place,
        limits: Limits,
        message: &Message<'_>,
        nodes: &[Node<'_>],
    ) -> Result<Key, Reject> {
        match place {
            Place::Envelope(part) => key::from_text(part.text(message)?, limits.max_key_bytes),
            Place::Document(path) => {
                let node = self.subtree(*path, nodes).first();
                key::from_node(node, limits.max_key_bytes, &mut self.number)
            }
        }
    }

    /// Packs a value, given as its node and all that it contains; none of that if it is absent.
    fn pack(&mut self, subtree: &[Node<'_>]) {
        let value = subtree.first().map(|node| match node {
            Node::String(text) => Value::Text(text),
            Node::Static(scalar) => scalar_value(*scalar),
            Node::Object { .. } | Node::Array { .. } => Value::Json(self.json.of(subtree)),
        });
        self.fields.push(value);
    }

    fn subtree<'t, 'input>(&self, path: PathId, nodes: &'t [Node<'input>]) -> &'t [Node<'input>] {
        self.found.position(path).and_then(|at| tape::subtree(nodes, at)).unwrap_or_default()
    }
}

fn scalar_value(scalar: StaticNode) -> Value<'static> {
    match scalar {
        StaticNode::Null => Value::Null,
        StaticNode::Bool(bool) => Value::Bool(bool),
        StaticNode::I64(int) => Value::Int(int),
        StaticNode::U64(uint) => i64::try_from(uint).map_or(Value::Uint(uint), Value::Int),
        StaticNode::F64(double) => Value::Double(double),
    }
}
