//! The way of a call through a table, entry by entry: a walk finds where the next keys are, and then
//! the call reads their entries at its own pace.
//!
//! Walks take long, so they run one after the other on a thread of their own.

use std::sync::Arc;
use std::time::Duration;

use tonic::Status;

use crate::record::EntryView;
use crate::rpc::call::Call;
use crate::rpc::pool::{Permit, Purpose};
use crate::rpc::worker::Worker;
use crate::table::{ScanPart, ScanPosition, Table};

/// The longest wait for room, even if the call has no deadline. Stated in the protocol.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Begins walks. Clones share their thread.
#[derive(Debug, Clone)]
pub(in crate::rpc) struct Walks(Arc<Worker>);

/// One call's way through a table.
#[derive(Debug)]
pub(in crate::rpc) struct TableWalk {
    table: Arc<Table>,
    worker: Arc<Worker>,
    prefix: String,
    part: Part,
    /// How many places of the part were read.
    read: usize,
    /// What the part holds of the pool.
    held: Permit,
}

/// What the last walk found.
#[derive(Debug)]
enum Part {
    /// There was none yet: the first begins after this position.
    Unknown(Option<ScanPosition>),
    Found(ScanPart),
}

impl Walks {
    pub(in crate::rpc) fn new(worker: Arc<Worker>) -> Self {
        Self(worker)
    }

    /// A way through the entries whose keys begin with a prefix, after a position or from the
    /// beginning.
    pub(in crate::rpc) fn of(
        &self,
        table: &Arc<Table>,
        prefix: String,
        after: Option<ScanPosition>,
        call: &Call,
    ) -> TableWalk {
        TableWalk {
            table: Arc::clone(table),
            worker: Arc::clone(&self.0),
            prefix,
            part: Part::Unknown(after),
            read: 0,
            held: call.share().new_permit(Purpose::Request),
        }
    }
}

impl TableWalk {
    pub(in crate::rpc) fn table(&self) -> &Table {
        &self.table
    }

    /// Waits until there are places to read, or until it is known that there are no more.
    ///
    /// # Errors
    ///
    /// When the pool has no room for the places, or other calls walk for too long.
    pub(in crate::rpc) async fn find_places(&mut self, call: &Call) -> Result<(), Status> {
        while self.places().is_empty() {
            let after = match &self.part {
                Part::Unknown(after) => *after,
                Part::Found(ScanPart { end: None, .. }) => return Ok(()),
                Part::Found(ScanPart { end, .. }) => *end,
            };
            self.walk(call, after).await?;
        }
        Ok(())
    }

    async fn walk(&mut self, call: &Call, after: Option<ScanPosition>) -> Result<(), Status> {
        self.part = Part::Unknown(after);
        self.held.shrink_to(0);
        let wait_end = call.deadline().wait_end(MAX_WAIT);
        let waited = self.held.wait_for(ScanPart::MAX_BYTES, wait_end).await;
        waited.map_err(|cause| call.share().shed_call(cause))?;
        let (table, prefix) = (Arc::clone(&self.table), self.prefix.clone());
        let walk = move || table.scan_part(after, &prefix);
        let (part, _turn) = self.worker.run(call.deadline(), walk).await?;
        self.held.shrink_to(part.bytes());
        (self.part, self.read) = (Part::Found(part), 0);
        Ok(())
    }

    /// The places that were not read yet, of those that were found.
    pub(in crate::rpc) fn places(&self) -> &[ScanPosition] {
        match &self.part {
            Part::Unknown(_) => &[],
            Part::Found(part) => part.positions.get(self.read..).unwrap_or_default(),
        }
    }

    /// Shows the live entries at one of the places.
    pub(in crate::rpc) fn read(&self, place: ScanPosition, visit: impl FnMut(&str, EntryView<'_>)) {
        self.table.read_at(place, &self.prefix, self.table.now(), visit);
    }

    /// Where the way goes on after so many of the places; none where it ends then.
    pub(in crate::rpc) fn place_after(&self, places: usize) -> Option<ScanPosition> {
        let Part::Found(part) = &self.part else { return None };
        match part.positions.get(..self.read + places) {
            Some(read) if read.len() < part.positions.len() => read.last().copied(),
            _ => part.end,
        }
    }

    /// Goes on after so many of the places.
    pub(in crate::rpc) fn advance(&mut self, places: usize) {
        self.read += places;
    }
}
