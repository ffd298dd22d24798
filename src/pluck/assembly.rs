//! Puts a record together from a message and the nodes of its document.
//!
//! Values are packed straight from the tape in field order, so a record costs two
//! allocations: its key and its entry. Owns the scratch memory that packing takes.

use simd_json::{Node, StaticNode};

use super::json_text::JsonText;
use super::paths::{Found, PathId};
use super::sources::{Place, Sources};
use super::{Limits, Message, Plucked, key, tape};
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
    /// What `sources` make of a message; `nodes` are its document, or none if no source
    /// needs it. Values that are too much for an entry are not packed to their end.
    pub(super) fn record(
        &mut self,
        sources: &Sources,
        limits: Limits,
        message: &Message<'_>,
        nodes: &[Node<'_>],
    ) -> Result<Plucked, Reject> {
        sources.paths.locate(nodes, &mut self.found);
        let key = self.key(&sources.key, limits, message, nodes)?;
        self.fields.clear();
        for field in &sources.fields {
            let room = limits.max_values_bytes.saturating_sub(self.fields.packed_bytes());
            let packed = match field {
                Place::Envelope(part) => self.pack_text(part.text(message)?, room),
                Place::Document(path) => self.pack(self.subtree(*path, nodes), room),
            };
            if packed.is_none() {
                return Ok(Plucked::TooLarge(key));
            }
        }
        let entry = Entry::copy_of(message.origin, message.expires_at, &self.fields);
        Ok(Plucked::Record(Record { key, entry }))
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
    /// None if there is not the room.
    fn pack(&mut self, subtree: &[Node<'_>], room: usize) -> Option<()> {
        let value = match subtree.first() {
            None => None,
            Some(Node::String(text)) => return self.pack_text(Some(text), room),
            Some(Node::Static(scalar)) => Some(scalar_value(*scalar)),
            Some(Node::Object { .. } | Node::Array { .. }) => {
                Some(Value::Json(self.json.of(subtree, room)?))
            }
        };
        self.fields.push(value);
        Some(())
    }

    fn pack_text(&mut self, text: Option<&str>, room: usize) -> Option<()> {
        let fits = text.is_none_or(|text| text.len() <= room);
        fits.then(|| self.fields.push(text.map(Value::Text)))
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
