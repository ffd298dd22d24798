//! How complete a table is, and what a caller demands of that before it is answered.

use std::time::{Duration, Instant};

use tonic::Status;
use tonic_types::FieldViolation;

use super::errors;
use super::question::Question;
use crate::health::TableHealth;

/// How complete a table is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    /// Whether it has caught up once.
    pub(super) is_ready: bool,
    /// How long ago it was known to be complete; none before the first time.
    pub(super) staleness: Option<Duration>,
}

/// The demands of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demands {
    require_ready: bool,
    max_staleness: Option<prost_types::Duration>,
}

impl State {
    pub(super) fn of(table: &TableHealth) -> Self {
        Self { is_ready: table.is_ready(), staleness: table.staleness(Instant::now()) }
    }
}

impl Demands {
    pub(super) fn of<K>(question: &Question<K>) -> Self {
        let Question { require_ready, max_staleness, .. } = *question;
        Self { require_ready, max_staleness }
    }

    /// What makes no sense.
    pub(super) fn violation(&self) -> Option<FieldViolation> {
        let is_negative = self.max_staleness.is_some_and(|span| Duration::try_from(span).is_err());
        is_negative.then(|| FieldViolation::new("max_staleness", "must not be negative"))
    }

    /// Fails where the table of that name does not meet them.
    pub(super) fn check(&self, table: &str, state: State) -> Result<(), Status> {
        if self.require_ready && !state.is_ready {
            return Err(errors::table_loading(table));
        }
        let Some(max) = self.max_staleness.and_then(|span| Duration::try_from(span).ok()) else {
            return Ok(());
        };
        match state.staleness {
            Some(staleness) if staleness <= max => Ok(()),
            _ => Err(errors::table_stale(table, state, max)),
        }
    }
}
