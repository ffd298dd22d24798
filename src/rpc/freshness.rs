//! How fresh a table has to be before a call is answered (`Freshness`), and how fresh it is
//! (`TableState`).
//!
//! Checks what can be checked at once. `positions.rs` waits for `min_positions`.

use std::time::{Duration, Instant};

use tonic::Status;
use tonic_types::FieldViolation;

use super::errors;
use crate::health::TableHealth;
use crate::proto::v1::PartitionOffset;

/// Most `min_positions` in one call. Stated in the protocol.
pub(super) const MAX_POSITIONS: usize = 1_000;

/// The freshness that one call requires, as in the fields of its request.
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
}

impl Freshness {
    /// The fields that no table could meet.
    pub(super) fn violations(&self) -> impl Iterator<Item = Option<FieldViolation>> {
        let negative = |(index, position): (usize, &PartitionOffset)| {
            let numbers =
                [("partition", i64::from(position.partition)), ("offset", position.offset)];
            let (name, _) = numbers.into_iter().find(|(_, number)| *number < 0)?;
            let field = format!("min_positions[{index}].{name}");
            Some(FieldViolation::new(field, "must not be negative"))
        };
        [self.negative_staleness(), self.too_many_positions()]
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

    fn negative_staleness(&self) -> Option<FieldViolation> {
        let is_negative = self.max_staleness.is_some_and(|span| Duration::try_from(span).is_err());
        is_negative.then(|| FieldViolation::new("max_staleness", "must not be negative"))
    }

    fn too_many_positions(&self) -> Option<FieldViolation> {
        (self.min_positions.len() > MAX_POSITIONS).then(|| {
            let rule = format!("must be at most {MAX_POSITIONS}, and there are more");
            FieldViolation::new("min_positions", rule)
        })
    }
}
