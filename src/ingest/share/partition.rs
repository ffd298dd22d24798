//! One partition of a share: where its backlog ends, and what the client said of its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ingest::position::Position;
use crate::ingest::watchdog::Watch;

/// For so long after a jump the client's statistics may still speak of the place before.
const STATISTICS_LAG: Duration = Duration::from_secs(3);

pub(super) struct Partition {
    /// Caught up from here on; none once it has.
    pub(super) end: Option<i64>,
    /// An end that the client saw, until all that was queued before it is handled.
    pub(super) ending: Option<Ending>,
    /// One for each of the share's tables.
    pub(super) positions: Vec<Arc<Position>>,
    pub(super) watch: Watch,
    pub(super) jumped: Option<Instant>,
    /// Whether the topic has it; one that was made anew may have fewer.
    pub(super) is_there: bool,
}

/// The client saw the partition end at `offset`, with what it had fetched still queued.
#[derive(Clone, Copy)]
pub(in crate::ingest) struct Ending {
    pub(in crate::ingest) offset: i64,
    /// How many records the thread has handled in all when the queue of then is empty.
    pub(in crate::ingest) after_records: u64,
}

impl Ending {
    /// The one of both that is due sooner; this one, the newer, where that is the same.
    ///
    /// What is queued is counted with what is no record and never will be one: statistics,
    /// errors, fetches out of date. An older count that has such in it is never reached in a
    /// stream that stands still, and a newer one of a queue that is empty is at once.
    pub(super) fn or_sooner(self, older: Option<Self>) -> Self {
        older.filter(|older| older.after_records < self.after_records).unwrap_or(self)
    }
}

impl Partition {
    /// The same for all tables: what a record gives to one it gives to each.
    pub(super) fn next_offset(&self) -> Option<i64> {
        self.positions.first().map(|position| position.next_offset())
    }

    pub(super) fn has_just_jumped(&self) -> bool {
        self.jumped.is_some_and(|jumped| jumped.elapsed() < STATISTICS_LAG)
    }

    /// Whether the broker said that there is more, and nothing of it has come since.
    pub(super) fn is_known_behind(&self) -> bool {
        self.next_offset().is_some_and(|position| self.watch.is_behind_at(position))
    }
}
