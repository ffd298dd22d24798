//! One thread's share of one topic: its partitions, how far each has come, and the
//! tables that the topic sources.

mod partition;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rdkafka::message::{BorrowedMessage, Message as _};

use super::bootstrap::Backlog;
use super::pluck_context::PluckContext;
use super::position::Position;
use super::realign::{Jump, Why};
use super::rejected::Rejected;
use super::table_source::{TableSource, TableWriter};
use super::watchdog::Watch;
use crate::config::Config;
use crate::health::{Beginning, Latch, TableHandle};
use crate::record::{Origin, Timestamp};
use crate::stats::Outcome;
use partition::Partition;

pub(super) use partition::Ending;

pub(super) struct TopicAssignment {
    pub(super) topic: String,
    tables: Vec<TableHandle>,
    writers: Vec<TableWriter>,
    latches: Vec<Latch>,
    partitions: BTreeMap<i32, Partition>,
    loading: usize,
    rejected: Arc<Rejected>,
}

impl TopicAssignment {
    pub(super) fn new(
        topic: &str,
        sources: &[&TableSource],
        config: &Config,
        latches: Vec<Latch>,
        rejected: &Arc<Rejected>,
    ) -> Self {
        Self {
            topic: topic.to_owned(),
            tables: latches.iter().map(Latch::handle).collect(),
            writers: sources.iter().map(|source| source.writer(config)).collect(),
            latches,
            partitions: BTreeMap::new(),
            loading: 0,
            rejected: Arc::clone(rejected),
        }
    }

    /// Takes on partitions, whose ends were asked for at `learnt` or later; the positions that
    /// it will keep for those it never had. Tables that have loaded stay loaded.
    pub(super) fn begin(&mut self, backlogs: &[Backlog], learnt: Instant) -> Vec<Arc<Position>> {
        let mut begun = Vec::new();
        for &Backlog { partition, start, end } in backlogs {
            if self.partitions.contains_key(&partition) {
                self.jump(Jump { partition, start, end, why: Why::MadeAnew });
                continue;
            }
            let beginning = Beginning { partition, start, end, learnt };
            let position = |table| Arc::new(Position::new(table, &self.topic, beginning));
            let positions: Vec<_> = self.tables.iter().map(position).collect();
            begun.extend(positions.iter().cloned());
            let is_loading = start < end && !self.latches.is_empty();
            self.loading += usize::from(is_loading);
            if !is_loading {
                for position in &positions {
                    position.has_loaded();
                }
            }
            let (end, watch) = (is_loading.then_some(end), Watch::default());
            let new =
                Partition { end, ending: None, positions, watch, jumped: None, is_there: true };
            self.partitions.insert(partition, new);
        }
        self.release_when_loaded();
        begun
    }

    /// Gives a record to each table and books what became of it.
    pub(super) fn take(
        &mut self,
        context: &mut PluckContext,
        message: &BorrowedMessage<'_>,
        origin: Origin,
        now: Timestamp,
    ) {
        let Some(partition) = self.partitions.get(&origin.partition) else { return };
        let payload_bytes = message.payload().map_or(0, <[u8]>::len);
        partition.positions.iter().for_each(|position| position.polled());
        for (writer, position) in self.writers.iter().zip(&partition.positions) {
            let outcome = writer.take(context, message, origin, now);
            position.record(origin, now, payload_bytes, outcome);
            if let Outcome::Rejected(reason) = outcome {
                let rejection = position.rejection(origin, now, reason);
                self.rejected.take(rejection, message, writer.dead_letter());
            }
        }
        // Not where each is booked: one that was left out would be missed.
        partition.positions.iter().for_each(|position| position.settles());
        if partition.end.is_some_and(|end| origin.offset + 1 >= end) {
            self.caught_up(origin.partition);
        }
    }

    /// The broker was asked at `asked` and said that the partition reaches up to `offset`.
    pub(super) fn is_told(&self, partition: i32, offset: i64, asked: Instant) {
        if let Some(partition) = self.partitions.get(&partition) {
            partition.positions.iter().for_each(|position| position.ends_at(offset, Some(asked)));
        }
    }

    /// The client's statistics say that the partition reaches up to `offset`. What the broker
    /// was asked itself goes before.
    pub(super) fn ends_at(&self, partition: i32, offset: i64, learnt: Option<Instant>) {
        // Negative as long as the client does not know.
        let found = self.partitions.get(&partition).filter(|_| offset >= 0);
        let credible = |found: &&Partition| !found.has_just_jumped() && !found.is_known_behind();
        let Some(partition) = found.filter(credible) else { return };
        partition.positions.iter().for_each(|position| position.ends_at(offset, learnt));
    }

    /// The client saw a partition end, and the thread has handled `records` in all. Once
    /// those before the end are handled the end is reached, though the last of it may
    /// have been no record (a transaction's marker, or compacted away).
    pub(super) fn end_seen(&mut self, partition: i32, ending: Ending, records: u64) {
        let found = self.partitions.get_mut(&partition);
        let Some(seen) = found.filter(|seen| !seen.has_just_jumped()) else { return };
        let ending = ending.or_sooner(seen.ending);
        seen.ending = Some(ending);
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

    /// What the client had queued of every partition it has thrown away, and fetches again from
    /// the positions. An end that was seen behind it counts no more, nor what statistics say
    /// for a while.
    pub(super) fn starts_over(&mut self) {
        for partition in self.partitions.values_mut() {
            (partition.ending, partition.jumped) = (None, Some(Instant::now()));
        }
    }

    /// Goes on from elsewhere in a partition.
    pub(super) fn jump(&mut self, jump: Jump) {
        let Some(partition) = self.partitions.get_mut(&jump.partition) else { return };
        partition.positions.iter().for_each(|position| position.jump(jump));
        (partition.ending, partition.is_there) = (None, true);
        partition.jumped = Some(Instant::now());
        if jump.start >= jump.end {
            self.caught_up(jump.partition);
        } else if let Some(end) = &mut partition.end {
            *end = jump.end;
        }
    }

    /// The topic does not have this partition any more.
    pub(super) fn is_gone(&mut self, partition: i32) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.is_there = false;
            partition.positions.iter().for_each(|position| position.is_gone());
        }
        self.caught_up(partition);
    }

    /// Whether it reads this partition.
    pub(super) fn has(&self, partition: i32) -> bool {
        self.partitions.get(&partition).is_some_and(|found| found.is_there)
    }

    /// The partitions that it reads, each with the offset of the next record to handle.
    pub(super) fn next_offsets(&self) -> Vec<(i32, i64)> {
        let there = self.partitions.iter().filter(|(_, partition)| partition.is_there);
        there.filter_map(|(&id, partition)| Some((id, partition.next_offset()?))).collect()
    }

    /// What was seen of each partition that it reads, beside the next offset.
    pub(super) fn watches(&mut self) -> impl Iterator<Item = (i32, i64, &mut Watch)> {
        let there = self.partitions.iter_mut().filter(|(_, partition)| partition.is_there);
        there.filter_map(|(&id, partition)| {
            let next_offset = partition.next_offset()?;
            Some((id, next_offset, &mut partition.watch))
        })
    }

    /// Books that the client was made anew because of this partition.
    pub(super) fn rebuilt(&self, partition: i32) {
        if let Some(partition) = self.partitions.get(&partition) {
            partition.positions.iter().for_each(|position| position.rebuilt());
        }
    }

    pub(super) fn has_partitions(&self) -> bool {
        !self.partitions.is_empty()
    }

    fn caught_up(&mut self, partition: i32) {
        let Some(partition) = self.partitions.get_mut(&partition) else { return };
        if partition.end.take().is_some() {
            partition.positions.iter().for_each(|position| position.has_loaded());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Health;

    /// A share of one partition that is loading up to offset 10.
    fn loading() -> TopicAssignment {
        let settings = [
            "kafka.brokers=localhost:9092",
            "tables.0.name=services",
            "tables.0.topic=events",
            "tables.0.key=/id",
            "tables.0.fields.description=/description",
            "tables.0.ttl=1h",
        ];
        let config = Config::load(None, [], &settings.map(String::from)).unwrap();
        let rejected = Arc::new(Rejected::new(&config).unwrap());
        let latches = Health::new(["services".into()], 1).latches();
        let mut share = TopicAssignment::new("events", &[], &config, latches, &rejected);
        share.begin(&[Backlog { partition: 0, start: 0, end: 10 }], Instant::now());
        share
    }

    fn ending(after_records: u64) -> Ending {
        Ending { offset: 10, after_records }
    }

    #[test]
    fn an_end_is_reached_once_all_that_was_queued_before_it_is_handled() {
        let mut share = loading();
        share.end_seen(0, ending(7), 3);
        assert_eq!(share.loading, 1);
        // The queue is longer by what came meanwhile, which is not waited for.
        share.end_seen(0, ending(20), 7);
        assert_eq!(share.loading, 0);
    }

    #[test]
    fn what_is_queued_and_is_no_record_does_not_keep_an_end_from_being_reached() {
        let mut share = loading();
        // Seven records and an error are queued: there will be no eighth record.
        share.end_seen(0, ending(8), 0);
        share.end_seen(0, ending(7), 7);
        assert_eq!(share.loading, 0);
    }
}
