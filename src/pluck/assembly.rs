//! Puts the draft of a record together from a message and the nodes of its document.
//!
//! Values are packed straight from the tape in field order, so that a draft is
//! copied in one piece. Owns the scratch memory that packing takes.
//! Before that it is seen whether the record counts, and whether it deletes.

use simd_json::{Node, StaticNode};

use super::json_text::JsonText;
use super::key::KeyScratch;
use super::paths::{Found, PathId};
use super::sources::{Envelope, Place, Sources};
use super::{Limits, Message, Plucked, tape};
use crate::record::{Draft, FieldsBuffer, Reject, Timestamp, Value};

/// A message with its document and where in it things were found.
pub(super) struct View<'a, 'm, 'n> {
    found: &'a Found,
    message: &'a Message<'m>,
    nodes: &'a [Node<'n>],
}

impl<'a, 'n> View<'a, '_, 'n> {
    /// The node that a path leads to.
    pub(super) fn node(&self, path: PathId) -> Option<&'a Node<'n>> {
        subtree(self.found, path, self.nodes).first()
    }

    /// When the entry is to be absent again at the latest.
    pub(super) fn latest_expiry(&self) -> Timestamp {
        self.message.expires_at
    }

    /// The text of a part outside the document.
    pub(super) fn text(&self, part: &Envelope) -> Result<Option<&'a str>, Reject> {
        part.text(self.message)
    }
}

/// The scratch memory that a record is put together in.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    found: Found,
    key: KeyScratch,
    packing: Packing,
}

#[derive(Debug, Default)]
struct Packing {
    fields: FieldsBuffer,
    json: JsonText,
}

impl Assembly {
    /// Plucks a message with this document; `nodes` are empty if no source needs a document.
    /// Values that are too much for an entry are not packed to their end.
    pub(super) fn pluck<'s>(
        &'s mut self,
        sources: &Sources,
        limits: Limits,
        message: &Message<'_>,
        nodes: &[Node<'_>],
    ) -> Result<Plucked<'s>, Reject> {
        let Self { found, key, packing } = self;
        sources.paths.locate(nodes, found);
        let view = View { found, message, nodes };
        if !sources.filters.count(&view)? {
            return Ok(Plucked::Filtered);
        }
        let key = match &sources.key {
            Place::Envelope(part) => key.copy_text(part.text(message)?, limits.max_key_bytes),
            Place::Document(path) => key.copy_node(view.node(*path), limits.max_key_bytes),
        }?;
        if sources.filters.delete(&view)? {
            return Ok(Plucked::Tombstone(key));
        }
        let expires_at = match &sources.lives_from {
            Some(from) => from.expiry(&view)?,
            None => message.expires_at,
        };
        let fits = packing.pack_all(sources, found, limits, message, nodes)?;
        Ok(Plucked::Record(if fits {
            Draft::new(key, message.origin, expires_at, &packing.fields)
        } else {
            Draft::oversized(key, message.origin, expires_at)
        }))
    }

    /// Copies the key of a tombstone: a message without a payload.
    pub(super) fn tombstone<'s>(
        &'s mut self,
        limits: Limits,
        message: &Message<'_>,
    ) -> Result<Plucked<'s>, Reject> {
        let text = Envelope::RecordKey.text(message)?;
        self.key.copy_text(text, limits.max_key_bytes).map(Plucked::Tombstone)
    }

    /// Scratch bytes held, but for a few in proportion to the sources.
    pub(super) fn scratch_bytes(&self) -> usize {
        let Packing { fields, json } = &self.packing;
        self.key.scratch_bytes() + fields.capacity() + json.scratch_bytes()
    }
}

impl Packing {
    /// Packs the value of each field; whether there was the room for them.
    fn pack_all(
        &mut self,
        sources: &Sources,
        found: &Found,
        limits: Limits,
        message: &Message<'_>,
        nodes: &[Node<'_>],
    ) -> Result<bool, Reject> {
        self.fields.clear();
        for field in &sources.fields {
            let room = limits.max_values_bytes.saturating_sub(self.fields.fields().packed_bytes());
            let packed = match field {
                Place::Envelope(part) => self.pack_text(part.text(message)?, room),
                Place::Document(path) => self.pack(subtree(found, *path, nodes), room),
            };
            if packed.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
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
}

/// The nodes that a path leads to; none where the document has nothing there.
fn subtree<'t, 'input>(
    found: &Found,
    path: PathId,
    nodes: &'t [Node<'input>],
) -> &'t [Node<'input>] {
    found.position(path).and_then(|at| tape::subtree(nodes, at)).unwrap_or_default()
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
