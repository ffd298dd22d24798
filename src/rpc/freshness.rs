//! How fresh a table has to be before a call is answered (`Freshness`), and how fresh it is
//! (`TableState`).
//!
//! Checks what can be checked at once. `positions.rs` waits for `min_positions`.

use std::time::{Duration, Instant};

use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, bool, check_wire_type, message, skip_field};
use prost::{DecodeError, Message};
use tonic::Status;
use tonic_types::FieldViolation;

use super::convert::to_as_of;
use super::errors;
use crate::health::TableHealth;
use crate::proto::v1::{self, AsOf, PartitionOffset};
use crate::table::Table;

/// Most `min_positions` in one call. Stated in the protocol.
pub(super) const MAX_POSITIONS: usize = 1_000;

/// What a call demands of its table, as the message of this name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Freshness {
    pub(super) require_ready: bool,
    pub(super) max_staleness: Option<prost_types::Duration>,
    /// At most one more than [`MAX_POSITIONS`]: enough to see that there are too many.
    pub(super) min_positions: Vec<PartitionOffset>,
}

/// The state of a table when a call reads it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TableState {
    /// Whether the table has caught up once.
    pub(super) is_ready: bool,
    /// How long ago the table was known to be complete; none before the first time.
    pub(super) staleness: Option<Duration>,
}

impl TableState {
    pub(super) fn of(table: &TableHealth) -> Self {
        Self { is_ready: table.is_ready(), staleness: table.staleness(Instant::now()) }
    }

    pub(super) fn as_of(self, table: &Table) -> AsOf {
        to_as_of(self.is_ready, table.newest_record_time(), self.staleness)
    }
}

impl Freshness {
    /// The fields that no table could meet.
    pub(super) fn violations(&self) -> impl Iterator<Item = Option<FieldViolation>> {
        let negative = |(index, position): (usize, &PartitionOffset)| {
            let numbers =
                [("partition", i64::from(position.partition)), ("offset", position.offset)];
            let (name, _) = numbers.into_iter().find(|(_, number)| *number < 0)?;
            let field = format!("freshness.min_positions[{index}].{name}");
            Some(FieldViolation::new(field, "must not be negative"))
        };
        [self.odd_staleness(), self.too_many_positions()]
            .into_iter()
            .chain(self.min_positions.iter().enumerate().map(negative))
    }

    /// Fails unless the table of this name is as ready and as fresh as the call requires.
    pub(super) fn check(&self, table: &str, state: TableState) -> Result<(), Status> {
        let TableState { is_ready, staleness } = state;
        if self.require_ready && !is_ready {
            return Err(errors::table_loading(table));
        }
        let Some(max) = self.max_staleness.and_then(|span| Duration::try_from(span).ok()) else {
            return Ok(());
        };
        match staleness {
            Some(staleness) if staleness <= max => Ok(()),
            _ => Err(errors::table_stale(table, is_ready, staleness, max)),
        }
    }

    /// A duration whose parts differ in sign would be read as another one.
    fn odd_staleness(&self) -> Option<FieldViolation> {
        let span = self.max_staleness?;
        let is_odd = span.seconds < 0 || !(0..1_000_000_000).contains(&span.nanos);
        let rule = "must not be negative: neither its seconds nor its nanos, and nanos are less \
                    than a second";
        is_odd.then(|| FieldViolation::new("freshness.max_staleness", rule))
    }

    fn too_many_positions(&self) -> Option<FieldViolation> {
        (self.min_positions.len() > MAX_POSITIONS).then(|| {
            let rule = format!("must be at most {MAX_POSITIONS}, and there are more");
            FieldViolation::new("freshness.min_positions", rule)
        })
    }
}

impl From<v1::Freshness> for Freshness {
    fn from(demanded: v1::Freshness) -> Self {
        let v1::Freshness { require_ready, max_staleness, min_positions } = demanded;
        Self { require_ready, max_staleness, min_positions }
    }
}

/// Decodes what the generated type decodes, and keeps no more positions than are allowed.
impl Message for Freshness {
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let Self { require_ready, max_staleness, min_positions } = self;
        let (name, merged) = match tag {
            1 => ("require_ready", bool::merge(wire_type, require_ready, buf, context)),
            2 => {
                let span = max_staleness.get_or_insert_default();
                ("max_staleness", message::merge(wire_type, span, buf, context))
            }
            3 => ("min_positions", merge_position(wire_type, min_positions, buf, context)),
            _ => return skip_field(wire_type, tag, buf, context),
        };
        merged.map_err(|mut error| {
            error.push("Freshness", name);
            error
        })
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes nothing: a server only reads requests.
    fn encode_raw(&self, _: &mut impl BufMut) {}

    fn encoded_len(&self) -> usize {
        0
    }
}

fn merge_position(
    wire_type: WireType,
    positions: &mut Vec<PartitionOffset>,
    buf: &mut impl Buf,
    context: DecodeContext,
) -> Result<(), DecodeError> {
    let mut position = PartitionOffset::default();
    check_wire_type(WireType::LengthDelimited, wire_type)?;
    message::merge(wire_type, &mut position, buf, context)?;
    if positions.len() <= MAX_POSITIONS {
        positions.push(position);
    }
    Ok(())
}
