//! One thread's partitions of one topic, and the tables that the topic feeds.
//!
//! Passes each record to every table, and marks the tables as loaded once all partitions have
//! caught up. It must not know how a partition's offsets are found, nor how the topic stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rdkafka::statistics;

use super::apply::{TableSource, TableWriter};
use super::batch::PolledRecord;
use super::books::PartitionBooks;
use super::client::Position;
use super::offsets::{OffsetRange, OffsetReset, ResetReason};
use super::partition::{Load, Partition};
use super::rejections::Rejections;
use super::statistics::{Watermarks, seen_end};
use crate::config::Config;
use crate::health::{PartitionStart, TableHandle};
use crate::pluck::Scratch;
use crate::record::Timestamp;
use crate::stats::Outcome;

pub(super) struct TopicAssignment {
    topic: String,
    /// The tables that the topic feeds, in the same order as the writers.
    tables: Vec<TableHandle>,
    writers: Vec<TableWriter>,
    rejections: Arc<Rejections>,
    partitions: BTreeMap<i32, Partition>,
    /// How many partitions have not caught up yet.
    loading_count: usize,
    load: LoadState,
}

/// How far the thread has loaded its partitions of the topic for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LoadState {
    /// Not every partition is started.
    Starting,
    /// Every partition is started.
    Started,
    /// Every partition has caught up once. Partitions that are added later do not count.
    Loaded,
}

impl TopicAssignment {
    pub(super) fn new(
        topic: &str,
        sources: &[&TableSource],
        config: &Config,
        tables: Vec<TableHandle>,
        rejections: &Arc<Rejections>,
    ) -> Self {
        Self {
            topic: topic.to_owned(),
            tables,
            writers: sources.iter().map(|source| source.writer(config)).collect(),
            rejections: Arc::clone(rejections),
            partitions: BTreeMap::new(),
            loading_count: 0,
            load: LoadState::Starting,
        }
    }

    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// Gives records of one partition to each table and counts their outcomes.
    pub(super) fn apply(
        &mut self,
        scratches: &mut [Scratch],
        records: &[PolledRecord<'_>],
        now: Timestamp,
    ) {
        let Some(last) = records.last() else { return };
        let Some(partition) = self.partitions.get_mut(&last.origin.partition) else { return };
        partition.books().iter().for_each(|books| books.count_polled(records.len()));
        for (writer, books) in self.writers.iter().zip(partition.books()) {
            writer.apply(scratches, records, now, |record, outcome| {
                books.count_outcome(record.origin, now, record.message.payload_len(), outcome);
                if let Outcome::Rejected(reason) = outcome {
                    let rejection = books.rejection(record.origin, now, reason);
                    self.rejections.add(rejection, &record.message, writer.dead_letter_topic());
                }
            });
            // A caller that waits for one of these records then finds it counted.
            books.advance_to(last.origin.offset + 1);
        }
        // Not where an outcome is counted: a table that was left out would go unnoticed.
        partition.books().iter().for_each(|books| books.settle());
        let load = partition.advance_to(last.origin.offset + 1);
        self.count_load(load);
    }

    /// Starts to read partitions whose offsets were asked for at `asked`. Returns the books of
    /// those that were never read before.
    pub(super) fn start(
        &mut self,
        ranges: &[OffsetRange],
        asked: Instant,
    ) -> Vec<Arc<PartitionBooks>> {
        ranges.iter().flat_map(|&range| self.start_partition(range, asked)).collect()
    }

    fn start_partition(&mut self, range: OffsetRange, asked: Instant) -> Vec<Arc<PartitionBooks>> {
        let OffsetRange { partition, start, end } = range;
        if self.partitions.contains_key(&partition) {
            // It was removed, and the topic has it again.
            self.reset(OffsetReset { partition, start, end, reason: ResetReason::Recreated });
            return Vec::new();
        }
        let beginning = PartitionStart { partition, start, end, learnt: asked };
        let open = |table| Arc::new(PartitionBooks::open(table, &self.topic, beginning));
        let books: Vec<_> = self.tables.iter().map(open).collect();
        let target = (start < end && self.load != LoadState::Loaded).then_some(end);
        self.loading_count += usize::from(target.is_some());
        self.partitions.insert(partition, Partition::new(start, target, books.clone()));
        books
    }

    /// Notes that the topic has a partition that is not read yet.
    pub(super) fn expect_partition(&self, partition: i32) {
        self.tables.iter().for_each(|table| table.expect_partition(partition));
    }

    /// Notes that the topic does not have an expected partition after all.
    pub(super) fn forget_expected(&self, partition: i32) {
        self.tables.iter().for_each(|table| table.mark_removed(partition));
    }

    /// Takes the requests for a look at the topic's partitions. Whether there were any.
    pub(super) fn take_requested_looks(&mut self) -> bool {
        let taken = self.tables.iter_mut().map(TableHandle::take_requested_looks);
        taken.fold(false, |any, taken| any | taken)
    }

    /// Notes that every partition of the topic that is this thread's is started.
    pub(super) fn finish_start(&mut self) {
        if self.load == LoadState::Starting {
            self.load = LoadState::Started;
            self.mark_loaded_if_so();
        }
    }

    fn count_load(&mut self, load: Load) {
        if load == Load::Completed {
            self.loading_count -= 1;
            self.mark_loaded_if_so();
        }
    }

    fn mark_loaded_if_so(&mut self) {
        if self.load == LoadState::Started && self.loading_count == 0 {
            self.load = LoadState::Loaded;
            self.tables.iter_mut().for_each(TableHandle::mark_loaded);
        }
    }

    /// Notes what the client's statistics say of the topic, when the thread has handled so many
    /// records in all.
    pub(super) fn observe_statistics(
        &mut self,
        statistics: &statistics::Statistics,
        watermarks: &Watermarks,
        records: u64,
    ) {
        let Some(topic) = statistics.topics.get(&self.topic) else { return };
        for found in topic.partitions.values() {
            let Some(partition) = self.partitions.get_mut(&found.partition) else { continue };
            let learnt = watermarks.learnt(statistics, found);
            partition.observe_watermarks(found.hi_offset, found.ls_offset, learnt);
            let load = partition.observe_seen_end(seen_end(found, records), records);
            self.count_load(load);
        }
    }

    /// Notes that the client dropped its queue of every partition, and fetches again from the next
    /// offsets.
    pub(super) fn restart(&mut self) {
        self.partitions.values_mut().for_each(Partition::restart);
    }

    /// The same for one partition.
    pub(super) fn restart_partition(&mut self, partition: i32) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.restart();
        }
    }

    pub(super) fn reset(&mut self, reset: OffsetReset) {
        if let Some(partition) = self.partitions.get_mut(&reset.partition) {
            if reset.reason == ResetReason::Recreated {
                // Before the first record of the new log, whose offsets are lower.
                self.writers.iter().for_each(|each| each.remove_partition(reset.partition));
            }
            let load = partition.reset(reset);
            self.count_load(load);
        }
    }

    /// Notes that the topic does not have a partition any more.
    pub(super) fn mark_removed(&mut self, partition: i32) {
        if let Some(found) = self.partitions.get_mut(&partition) {
            // Only a topic that was recreated has fewer partitions than before.
            self.writers.iter().for_each(|each| each.remove_partition(partition));
            let load = found.mark_removed();
            self.count_load(load);
        }
    }

    /// Takes the positions from where on partitions have to be read again, because a table lost
    /// entries of them while memory was short.
    pub(super) fn take_lost(&mut self) -> Vec<Position> {
        let mut lost = BTreeMap::<i32, i64>::new();
        let is_read = |partition| self.position(partition).is_some();
        for (partition, offset) in self.writers.iter().flat_map(|each| each.take_lost(is_read)) {
            let lowest = lost.entry(partition).or_insert(offset);
            *lowest = offset.min(*lowest);
        }
        lost.retain(|&partition, &mut offset| {
            self.position(partition).is_some_and(|at| offset < at)
        });
        lost.into_iter().collect()
    }

    /// Whether any partition was ever started.
    pub(super) fn has_partitions(&self) -> bool {
        !self.partitions.is_empty()
    }

    /// The partition of that number, if it is read.
    pub(super) fn assigned(&mut self, partition: i32) -> Option<&mut Partition> {
        self.partitions.get_mut(&partition).filter(|found| found.is_assigned())
    }

    /// Every partition that is read, by number.
    pub(super) fn all_assigned(&mut self) -> impl Iterator<Item = (i32, &mut Partition)> {
        let all = self.partitions.iter_mut().map(|(&id, partition)| (id, partition));
        all.filter(|(_, partition)| partition.is_assigned())
    }

    /// The position in a partition that is read.
    pub(super) fn position(&self, partition: i32) -> Option<i64> {
        let found = self.partitions.get(&partition).filter(|found| found.is_assigned());
        found.map(Partition::next_offset)
    }

    /// The partitions that are read, each with the offset of the next record to handle.
    pub(super) fn positions(&self) -> Vec<Position> {
        let assigned = self.partitions.iter().filter(|(_, partition)| partition.is_assigned());
        assigned.map(|(&id, partition)| (id, partition.next_offset())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Health;
    use crate::ingest::credentials::Credentials;

    /// An assignment of nothing yet, for a table whose readiness `health` tells.
    fn assignment(health: &Arc<Health>) -> TopicAssignment {
        let settings = [
            "kafka.brokers=localhost:9092",
            "tables.0.name=services",
            "tables.0.topic=events",
            "tables.0.key=/id",
            "tables.0.fields.description=/description",
            "tables.0.ttl=1h",
        ];
        let config = Config::load(None, [], &settings.map(String::from)).unwrap();
        let outage = Arc::new(crate::ingest::outage::Outage::new("localhost:1"));
        let credentials = Credentials::default();
        let rejections = Arc::new(Rejections::new(&config, &credentials, &outage).unwrap());
        TopicAssignment::new("events", &[], &config, health.table_handles(), &rejections)
    }

    fn range(partition: i32, end: i64) -> OffsetRange {
        OffsetRange { partition, start: 0, end }
    }

    #[test]
    fn a_table_is_loaded_when_every_partition_is_started_and_has_caught_up() {
        let health = Health::new(["services".into()], 1);
        let mut assignment = assignment(&health);
        assignment.start(&[range(0, 0), range(1, 10)], Instant::now());
        let reset = OffsetReset { partition: 1, start: 5, end: 5, reason: ResetReason::Recreated };
        assignment.reset(reset);
        assert!(!health.is_ready(), "a partition may not be started yet");
        assignment.start(&[range(2, 10)], Instant::now());
        assignment.finish_start();
        assert!(!health.is_ready());
        assignment.mark_removed(2);
        assert!(health.is_ready());
    }

    #[test]
    fn a_partition_that_is_added_later_takes_no_readiness_away_and_is_not_loading() {
        let health = Health::new(["services".into()], 1);
        let mut assignment = assignment(&health);
        assignment.finish_start();
        assert!(health.is_ready());
        assignment.start(&[range(0, 10)], Instant::now());
        assert!(!assignment.assigned(0).unwrap().is_loading());
        assert!(health.is_ready());
    }

    #[test]
    fn a_removed_partition_is_not_assigned_until_the_topic_has_it_again() {
        let mut assignment = assignment(&Health::new(["services".into()], 1));
        assert_eq!(assignment.start(&[range(0, 10), range(1, 10)], Instant::now()).len(), 2);
        assignment.mark_removed(1);
        assert_eq!(assignment.positions(), [(0, 0)]);
        assert!(assignment.start(&[range(1, 3)], Instant::now()).is_empty(), "the books go on");
        assert_eq!(assignment.positions(), [(0, 0), (1, 0)]);
    }
}
