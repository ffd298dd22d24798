//! The tables as calls read them: found by name, and as fresh as a call demands.
//!
//! Every call that reads entries goes the same way: `validate`, `wait_for_positions`, `find_fresh`.
//! What it reads then is not known here.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::Status;

use super::deadline::Deadline;
use super::freshness::{Freshness, TableState};
use super::positions::{self, PositionWaiter};
use super::validation::Tables;
use crate::health::{Health, TableHealth};
use crate::table::Table;

/// The tables and their states. Clones share them.
#[derive(Clone)]
pub(super) struct FreshTables {
    tables: Tables,
    health: Arc<Health>,
    positions: PositionWaiter,
}

impl FreshTables {
    /// When `draining` becomes true, calls stop waiting for positions.
    pub(super) fn new(
        tables: Tables,
        health: Arc<Health>,
        draining: watch::Receiver<bool>,
    ) -> Self {
        let positions = PositionWaiter::new(Arc::clone(&health), draining);
        Self { tables, health, positions }
    }

    /// Finds a table whose state does not matter.
    pub(super) fn find(&self, name: &str) -> Result<&Arc<Table>, Status> {
        self.tables.find(name)
    }

    /// Waits until the table has handled the records at the demanded positions.
    pub(super) async fn wait_for_positions(
        &self,
        name: &str,
        demanded: &Freshness,
        deadline: Deadline,
    ) -> Result<(), Status> {
        self.find(name)?;
        if demanded.min_positions.is_empty() {
            return Ok(());
        }
        let wait_end = deadline.wait_end(positions::MAX_WAIT);
        self.positions.wait_for(name, &demanded.min_positions, wait_end).await
    }

    /// The last record that a table has handled in each partition: its partition and offset.
    pub(super) fn positions(&self, name: &str) -> Vec<(i32, i64)> {
        self.health.table(name).map(TableHealth::positions).unwrap_or_default()
    }

    /// Finds a table, with its state at this moment, if that is as fresh as is demanded. What is read
    /// after this is at least as fresh as the state says.
    pub(super) fn find_fresh(
        &self,
        name: &str,
        demanded: &Freshness,
    ) -> Result<(&Arc<Table>, TableState), Status> {
        let table = self.find(name)?;
        let state = self.health.table(name).map(TableState::of).unwrap_or_default();
        demanded.check(name, state)?;
        Ok((table, state))
    }
}
