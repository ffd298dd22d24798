//! One thread's share of one topic: its partitions, how far each has come, and the
//! tables that the topic feeds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::bootstrap::Backlog;
use super::feed::{Feed, Intake};
use super::position::Position;
use super::workspace::Workspace;
use crate::config;
use crate::health::{Beginning, Latch};
use crate::record::{Origin, Timestamp};
use rdkafka::message::{BorrowedMessage, Message as _};

pub(super) struct Share {
    pub(super) topic: String,
    intakes: Vec<Intake>,
    latches: Vec<Latch>,
    partitions: HashMap<i32, Partition>,
    loading: usize,
}

struct Partition {
    /// Caught up from here on; none once it has.
    end: Option<i64>,
    /// An end that the client saw, until all that was queued before it is handled.
    ending: Option<Ending>,
    /// One for each of the share's tables.
    positions: Vec<Arc<Position>>,
}

/// The client saw the partition end at `offset`, with what it had fetched still queued.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub(super) offset: i64,
    /// How many records the thread has handled in all when the queue of then is empty.
    pub(super) after_records: u64,
}

impl Share {
    pub(super) fn new(
        topic: &str,
        feeds: &[&Feed],
        config: &config::Ingest,
        latches: Vec<Latch>,
    ) -> Self {
        Self {
            topic: topic.to_owned(),
            intakes: feeds.iter().map(|feed| feed.intake(config)).collect(),
            latches,
            partitions: HashMap::new(),
            loading: 0,
        }
    }

    /// Takes on partitions, whose ends were asked for at `learnt` or later; the positions that
    /// it will keep for them.
    pub(super) fn begin(&mut self, backlogs: &[Backlog], learnt: Instant) -> Vec<Arc<Position>> {
        for backlog in backlogs {
            let Backlog { partition, start, end } = *backlog;
            let beginning = Beginning { partition, start, end, learnt };
            let position = |latch| Arc::new(Position::new(latch, &self.topic, beginning));
            // They are held until all is loaded, one for each table, in the tables' order.
            let positions = self.latches.iter().map(position).collect();
            let is_loading = backlog.start < backlog.end;
            self.loading += usize::from(is_loading);
            let end = is_loading.then_some(backlog.end);
            self.partitions.insert(backlog.partition, Partition { end, ending: None, positions });
        }
        self.release_when_loaded();
        self.partitions.values().flat_map(|partition| partition.positions.clone()).collect()
    }

    /// Gives a record to each table and books what became of it.
    pub(super) fn take(
        &mut self,
        workspace: &mut Workspace,
        message: &BorrowedMessage<'_>,
        origin: Origin,
        now: Timestamp,
    ) {
        let Some(partition) = self.partitions.get(&origin.partition) else { return };
        let payload_bytes = message.payload().map_or(0, <[u8]>::len);
        for (intake, position) in self.intakes.iter().zip(&partition.positions) {
            let outcome = intake.take(workspace, message, origin, now);
            position.record(origin, now, payload_bytes, outcome);
        }
        if partition.end.is_some_and(|end| origin.offset + 1 >= end) {
            self.caught_up(origin.partition);
        }
    }

    /// The broker's partition is known to reach up to `offset`.
    pub(super) fn ends_at(&self, partition: i32, offset: i64, learnt: Option<Instant>) {
        // Negative as long as the client does not know.
        let Some(partition) = self.partitions.get(&partition).filter(|_| offset >= 0) else {
            return;
        };
        partition.positions.iter().for_each(|position| position.ends_at(offset, learnt));
    }

    /// The client saw a partition end, and the thread has handled `records` in all. Once
    /// those before the end are handled the end is reached, though the last of it may
    /// have been no record (a transaction's marker, or compacted away).
    pub(super) fn end_seen(&mut self, partition: i32, ending: Ending, records: u64) {
        let Some(seen) = self.partitions.get_mut(&partition) else { return };
        let ending = *seen.ending.get_or_insert(ending);
        if records < ending.after_records {
            return;
        }
        seen.ending = None;
        // Negative as long as the client saw no end.
        if ending.offset >= 0 {
            seen.positions.iter().for_each(|position| position.reached(ending.offset));
            // Even below the watermark that was noted: then the log has shrunk since.
            self.caught_up(partition);
        }
    }

    pub(super) fn has_partitions(&self) -> bool {
        !self.partitions.is_empty()
    }

    fn caught_up(&mut self, partition: i32) {
        let Some(partition) = self.partitions.get_mut(&partition) else { return };
        if partition.end.take().is_some() {
            self.loading -= 1;
            self.release_when_loaded();
        }
    }

    fn release_when_loaded(&mut self) {
        if self.loading == 0 {
            self.latches.drain(..).for_each(Latch::release);
        }
    }
}
