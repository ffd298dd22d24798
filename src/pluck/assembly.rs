//! Puts the draft of a record together from a message and the nodes of its document.
//!
//! Values are packed straight from the tape in field order, so that a draft is
//! copied in one piece. Owns the scratch memory that packing takes.
//! Before that it is seen whether the record counts, and whether it deletes.

use simd_json::{Node, StaticNode};

use super::json_text::JsonText;
use super::paths::{Found, PathId};
use super::sources::{Envelope, Place, Sources};
use super::{Limits, Message, key, tape};
use crate::record::{Draft, FieldsBuffer, Key, Reject, Timestamp, Value};

/// What became of a message.
pub(super) enum Assembled<'a> {
    /// A record, lent.
    Draft(Draft<'a>),
    /// The key of a record whose values are too much for an entry.
    TooLarge(Key),
    /// The key of a record that deletes.
    Deletes(Key),
    /// Nothing: it does not count.
    Filtered,
}

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
    number: String,
    packing: Packing,
}

#[derive(Debug, Default)]
struct Packing {
    fields: FieldsBuffer,
    json: JsonText,
}

impl Assembly {
    /// What `sources` make of a message; `nodes` are its document, or none if no source
    /// needs it. Values that are too much for an entry are not packed to their end.
    pub(super) fn draft<'a>(
        &'a mut self,
        sources: &Sources,
        limits: Limits,
        message: &'a Message<'_>,
        nodes: &'a [Node<'_>],
    ) -> Result<Assembled<'a>, Reject> {
        let Self { found, number, packing } = self;
        sources.paths.locate(nodes, found);
        let view = View { found, message, nodes };
        if !sources.filters.count(&view)? {
            return Ok(Assembled::Filtered);
        }
        let key = match &sources.key {
            Place::Envelope(part) => key::from_text(part.text(message)?, limits.max_key_bytes),
            Place::Document(path) => {
                let node = subtree(found, *path, nodes).first();
                key::from_node(node, limits.max_key_bytes, number)
            }
        }?;
        if sources.filters.delete(&view)? {
            return Ok(Assembled::Deletes(Key::copy_of(key).ok_or(Reject::EmptyKey)?));
        }
        let expires_at = match &sources.lives_from {
            Some(from) => from.expiry(&view)?,
            None => message.expires_at,
        };
        let fits = packing.pack_all(sources, found, limits, message, nodes)?;
        let draft = Draft::new(key, message.origin, expires_at, &packing.fields);
        let draft = draft.ok_or(Reject::EmptyKey)?;
        Ok(if fits { Assembled::Draft(draft) } else { Assembled::TooLarge(draft.copy_key()) })
    }

    /// Scratch bytes held, but for a few in proportion to the sources.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.packing.fields.capacity() + self.packing.json.scratch_bytes()
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
