//! What callers ask, decoded into a few allocations whatever the number of keys.
//!
//! It stands in for the generated `millpond.v1.GetRequest` and `BatchGetRequest` on the
//! server's side, has to agree with `proto/millpond/v1/lookup.proto` in every field number, and
//! takes and refuses what they do. What is over a limit is counted and not kept, so that a
//! request takes no more than its own size.

mod keys;

use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, bool, message, skip_field, string};
use prost::{DecodeError, Message};

pub(super) use keys::Keys;

use super::positions::MAX_POSITIONS;
use crate::proto::server::PartitionOffset;

/// Asks for one key.
pub type GetRequest = Question<String>;
/// Asks for many.
pub type BatchGetRequest = Question<Keys>;

/// A question to a table about one key or many.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question<K> {
    pub(super) table: String,
    /// The one or the many.
    pub(super) key: K,
    pub(super) require_ready: bool,
    pub(super) max_staleness: Option<prost_types::Duration>,
    /// One more than may be, where there are more than may be.
    pub(super) min_positions: Vec<PartitionOffset>,
}

/// The field that says which key is asked for.
pub trait KeyField: Default + Send + Sync {
    /// Names of the message that it is in and of the field itself, for errors.
    const NAMES: (&'static str, &'static str);

    /// Takes in what the field says.
    ///
    /// # Errors
    ///
    /// When it is not UTF-8 or not a field of that type at all.
    fn take(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError>;
}

impl KeyField for String {
    const NAMES: (&'static str, &'static str) = ("GetRequest", "key");

    fn take(
        &mut self,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        string::merge(wire_type, self, buf, context)
    }
}

impl<K: KeyField> Message for Question<K> {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let (name, merged) = match tag {
            1 => ("table", string::merge(wire_type, &mut self.table, buf, context)),
            2 => (K::NAMES.1, self.key.take(wire_type, buf, context)),
            3 => ("require_ready", bool::merge(wire_type, &mut self.require_ready, buf, context)),
            4 => {
                let span = self.max_staleness.get_or_insert_default();
                ("max_staleness", message::merge(wire_type, span, buf, context))
            }
            5 => {
                let kept = &mut self.min_positions;
                ("min_positions", take_position(wire_type, kept, buf, context))
            }
            _ => return skip_field(wire_type, tag, buf, context),
        };
        merged.map_err(|mut error| {
            error.push(K::NAMES.0, name);
            error
        })
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    /// A server asks nothing.
    fn encode_raw(&self, _: &mut impl BufMut) {}

    fn encoded_len(&self) -> usize {
        0
    }
}

fn take_position(
    wire_type: WireType,
    kept: &mut Vec<PartitionOffset>,
    buf: &mut impl Buf,
    context: DecodeContext,
) -> Result<(), DecodeError> {
    let mut position = PartitionOffset::default();
    prost::encoding::check_wire_type(WireType::LengthDelimited, wire_type)?;
    message::merge(wire_type, &mut position, buf, context)?;
    if kept.len() <= MAX_POSITIONS {
        kept.push(position);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
